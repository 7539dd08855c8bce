"""Threads sleep while they wait, unless the user wants otherwise."""

from preprocess.threads import wait_asleep


def test_idle_threads_sleep_and_a_users_own_choice_stays(monkeypatch):
    import os

    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    wait_asleep()
    assert os.environ["OMP_WAIT_POLICY"] == "passive"
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    wait_asleep()
    assert os.environ["OMP_WAIT_POLICY"] == "active"
