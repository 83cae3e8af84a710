import pytest

from records.bad_input import BadInput
from records.folder import REQUESTS, RunFolder

MANIFEST = {"arms": [{"name": "off"}, {"name": "on"}], "pairs": 2, "state": "partial"}


def test_the_manifest_comes_back(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.write_manifest(MANIFEST)

    assert folder.manifest() == MANIFEST
    assert [file.name for file in folder.path.iterdir()] == ["run.json"]


def test_only_arms_that_left_rows_are_listed(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_manifest(MANIFEST)
    for arm, pair in [("on", 1), ("off", 1), ("off", 2)]:
        folder.arm(arm, pair).path.mkdir()
        (folder.arm(arm, pair).path / REQUESTS).touch()

    assert [arm.path.name for arm in folder.arms()] == ["off-01", "off-02", "on-01"]


@pytest.mark.parametrize("text", [None, "{", "[]", '{"arms": []}'])
def test_a_folder_that_is_no_run_is_told_in_one_sentence(tmp_path, text):
    if text is not None:
        (tmp_path / "run.json").write_text(text)

    with pytest.raises(BadInput) as caught:
        RunFolder(tmp_path).manifest()
    assert len(caught.value.problems) == 1
    assert str(tmp_path) in str(caught.value)
