"""A detector among scikit-learn's: its own checks, and a use of it."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator
from synthetic_beats import abnormal_beats, normal_beats

from experiments.training.estimator import BeatOutliers

# What beats do not allow.
OF_BEATS_THAT_TRAINED = "contamination is a share of beats that trained nothing"
EXPECTED_TO_FAIL = {
    "check_outliers_fit_predict": OF_BEATS_THAT_TRAINED,
    "check_outliers_train": OF_BEATS_THAT_TRAINED,
    "check_methods_subset_invariance": "single precision, and distances are differences",
}


@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_checks_pass():
    check_estimator(BeatOutliers("knn"), expected_failed_checks=EXPECTED_TO_FAIL)


def test_it_finds_abnormal_beats_and_survives_clone_and_pickle():
    normal, abnormal = normal_beats(300).beat_mv, abnormal_beats(40).beat_mv
    detector = clone(BeatOutliers(contamination=0.1, niter=2)).fit(normal)
    again = pickle.loads(pickle.dumps(detector))
    new = normal_beats(200, seed=5).beat_mv
    assert (again.predict(abnormal) == -1).all()
    assert (again.predict(new) == -1).mean() < 0.2
    np.testing.assert_array_equal(again.decision_function(new), detector.decision_function(new))
    np.testing.assert_array_equal(detector.labels_, detector.decision_scores_ > again.threshold_)
    at_250_hz = lambda beats: beats[:, np.linspace(0, 319, 222).astype(int)]
    slower = BeatOutliers("knn-pca").fit(at_250_hz(normal))
    assert (slower.predict(at_250_hz(abnormal)) == -1).all()


@pytest.mark.parametrize("model", ["wavenet", "rhythm"])  # which needs whole recordings
def test_what_scores_no_beat_by_itself_is_refused(model):
    with pytest.raises(ValueError, match=f"model {model} is none of .*b2igan"):
        BeatOutliers(model).fit(normal_beats(30).beat_mv)
