"""Components have unit variance on what they were fitted to, and give it back."""

import numpy as np
import torch

from models.compared._principal_components import COMPONENTS, PrincipalComponents
from preprocess.beats import WINDOW


def test_components_are_whitened_and_give_back_what_they_hold():
    rng = np.random.default_rng(0)
    of_few = rng.standard_normal((500, COMPONENTS)) * np.arange(1, COMPONENTS + 1)
    scaled = (of_few @ rng.standard_normal((COMPONENTS, WINDOW))).astype(np.float32)
    components = PrincipalComponents()
    components.fit(scaled)
    found = components(torch.as_tensor(scaled))
    torch.testing.assert_close(found.std(0), torch.ones(COMPONENTS), atol=1e-2, rtol=0)
    torch.testing.assert_close(
        components.back(found), torch.as_tensor(scaled), atol=1e-2, rtol=1e-3
    )
