import pytest

from rfuav_ray import paths
from rfuav_ray.errors import InvalidInput, PathNotAllowed

CHECKS = (paths.existing, paths.existing_file, paths.output_folder)
FOREIGN = [
    ("s3://bucket/data", "is an address in a bucket, which this field does not take"),
    ("GS://bucket", "is an address of Google Cloud Storage, which is not supported"),
    ("https://host/data", "is a URL; copy or mount"),
    ("s3://", "is an address in a bucket"),
    ("file:/data/x", "is a URL; write only the path, without file://"),
    ("C:\\data", "is a Windows path"),
    ("d:/data", "is a Windows path"),
    ("C:", "is a Windows path"),
    ("\\\\server\\share", "is a Windows path"),
    ("data\\train", "contains a backslash; put /"),
    ("~\\data", "contains a backslash; put /"),
    ("$HOME/data", r"contains \$HOME, and variables are not replaced; write the value"),
    ("data/${RUN}", r"contains \$\{RUN\}, and variables"),
    ("%USERPROFILE%\\data", "contains %USERPROFILE%, and variables"),
    (" data", "has a space at the start or the end of ' data'"),
    ("data ", "has a space at the start or the end of 'data '"),
    ("data\u00a0", "has a space at the start or the end"),
    (" ", "has a space at the start or the end"),
    ("data /x", "has a space at the start or the end of 'data '"),
    ("data\n", "contains a line break; remove it"),
    ("\tdata", "contains a tab; remove it"),
    ("data\x1b[31m", r"contains the invisible character U\+001B"),
    ("\u202a/data", r"contains the invisible character U\+202A"),
    ('"data"', "is in quotation marks; remove them"),
    ("'data'", "is in quotation marks; remove them"),
    ("“data”", "is in quotation marks; remove them"),
    ('data"', "has a stray quotation mark; remove it"),
    ("da\0ta", "has a character that no path can have"),
    ("\ud800", "has a character that no path can have"),
]
#: unusual, but a path
NAMES = [
    "cost$5",
    "100%",
    "a'b",
    "my data",
    "数据 集",
    "data:1",
    "C:data",
    "a=b&c",
    "run#1",
    "می\u200cخواهم",
    "👩\u200d🚀",
]


@pytest.mark.parametrize(("text", "reason"), FOREIGN)
def test_foreign_paths_a_text_that_is_no_path_here_is_refused_in_words(tmp_path, text, reason):
    for check in CHECKS:
        with pytest.raises(InvalidInput, match=reason) as refused:
            check(text, [tmp_path], field="train_path")
        assert refused.value.field == "train_path"
        str(refused.value).encode()
        assert str(refused.value).isprintable()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["s3:/a", "C:\\data", "a\\b", "$HOME", "%X%", " a", "a ", "a\n", '"a"', "\u200b"])
def test_foreign_paths_a_folder_that_really_has_such_a_name_is_used(tmp_path, text):
    folder = tmp_path / text
    folder.mkdir(parents=True)
    for given in (text, str(folder)):
        assert paths.existing(given, [tmp_path], field="p") == folder
        assert paths.output_folder(f"{given}/new", [tmp_path], field="p") == folder / "new"
    with pytest.raises(InvalidInput, match="has a space"):
        paths.output_folder(f"{text}/new ", [tmp_path], field="p")


@pytest.mark.parametrize("text", NAMES)
def test_foreign_paths_an_unusual_name_is_a_path(tmp_path, text):
    assert paths.output_folder(text, [tmp_path], field="p") == tmp_path / text
    with pytest.raises(InvalidInput, match="there is no file"):
        paths.existing(text, [tmp_path], field="p")


def test_foreign_paths_what_lies_outside_the_roots_tells_nothing_about_what_exists_there(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "a$B").touch()
    for name in ("a$B", "c$D"):
        with pytest.raises(PathNotAllowed):
            paths.existing(str(tmp_path / name), [root], field="p")
