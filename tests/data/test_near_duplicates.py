"""Nearly equal texts are found as comparing every pair of them finds them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from emotui.core.data import checks, near_duplicates, sources
from emotui.core.data.overlay_edit import Editor
from emotui.core.specs import DataSpec
from variants import mostly_slow

WORDS = ["".join(random.Random(number).choices("abcdefghijklmnop", k=6)) for number in range(400)]


def pieces(text: str) -> set[str]:
    return {text[at : at + 5] for at in range(len(text) - 4)} or {text}


def index(one: str, other: str) -> float:
    return len(pieces(one) & pieces(other)) / len(pieces(one) | pieces(other))


def sentences(count: int, seed: int) -> list[str]:
    """Random sentences, a third of which are earlier ones with some words changed."""
    chosen = random.Random(seed)
    made: list[str] = []
    for _ in range(count):
        if made and chosen.random() < 0.33:
            words = chosen.choice(made).split()
            for _ in range(chosen.choice([1, 1, 2, 4])):
                words[chosen.randrange(len(words))] = chosen.choice(WORDS)
            made.append(" ".join(words))
        else:
            made.append(" ".join(chosen.choices(WORDS, k=chosen.randint(8, 25))))
    return made


@pytest.mark.slow
@pytest.mark.parametrize("seed", mostly_slow(range(4)))
def test_what_is_found_is_near_and_nothing_near_is_missed(seed: int) -> None:
    texts = sentences(300, seed)
    found = near_duplicates.earlier_of(texts).tolist()
    first = {text: at for at, text in reversed(list(enumerate(texts)))}
    near = [at for at, text in enumerate(texts) if first[text] == at and any(index(text, other) >= 0.8 for other in texts[:at])]
    assert near
    for at, other in enumerate(found):
        assert other < at
        assert other < 0 or (index(texts[at], texts[other]) >= 0.8 and texts[at] != texts[other])
    assert {at for at, other in enumerate(found) if other >= 0} <= set(near)
    assert sum(found[at] >= 0 for at in near) >= 0.9 * len(near)


def test_equal_texts_and_short_ones_are_not_near(tmp_path: Path) -> None:
    assert near_duplicates.earlier_of(["the same text", "the same text", "a", "b", ""]).tolist() == [-1] * 5
    assert near_duplicates.earlier_of([]).tolist() == []


def write(folder: Path, **splits: list[str]) -> sources.Dataset:
    folder.mkdir(exist_ok=True)
    for name, texts in splits.items():
        lines = "".join(f"{text},{'ab'[number % 2]}\n" for number, text in enumerate(texts))
        (folder / f"{name}.csv").write_text(f"text,label\n{lines}", "utf-8")
    return sources.load(DataSpec(str(folder)))


def test_they_are_told_by_split_and_are_not_fatal(tmp_path: Path) -> None:
    long = "the lamp beside the window of the small kitchen was lovely and warm all night"
    train = [f"{number} {WORDS[number]} {WORDS[-number - 1]} {WORDS[number * 3]}" for number in range(20)]
    validation = [f"{WORDS[100 + number]} {WORDS[130 + number]} {WORDS[170 + number]}" for number in range(20)]
    dataset = write(tmp_path, train=[*train, long, f"{long} x"], validation=[*validation, f"{long.upper()} y"])
    problems = {each.split: each for each in checks.find_problems(dataset) if each.kind == "near_duplicate"}
    assert {name: (each.count, each.rows, each.earlier, each.untrustworthy) for name, each in problems.items()} == {
        "train": (1, (21,), "train", False),
        "validation": (1, (20,), "train", False),
    }
    assert problems["train"].message == "train: 1 row is nearly the same as an earlier one (4.5 %)"
    assert problems["validation"].message == "validation: 1 row is nearly the same as a text of train (4.8 %)"


def test_texts_are_compared_again_only_where_they_are_others(tmp_path: Path, emotui_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["we will all meet again on sunday morning", "we will all meet again on sunday evening", *sentences(40, 3)]
    (tmp_path / "train.csv").write_text("text,label\n" + "".join(f"{text},{'ab'[at % 2]}\n" for at, text in enumerate(texts)))
    before = sources.load(DataSpec(str(tmp_path / "train.csv")))
    compared: list[int] = []
    compare = near_duplicates.earlier_of
    monkeypatch.setattr(near_duplicates, "earlier_of", lambda texts: compared.append(len(texts)) or compare(texts))
    first, editor = checks.find_problems(before), Editor(before)
    twice = next(at for at, row in enumerate(before.splits["train"].rows(0, 20)) if row.name == "a")
    relabelled = editor.decide([editor.place("train", twice)], "b")
    told = checks.find_problems(relabelled)
    assert compared == [42]  # no text is another
    monkeypatch.setattr(checks, "_known", None)
    assert checks.find_problems(relabelled) == told and checks.find_problems(before) == first
    checks.find_problems(editor.decide([editor.place("train", twice)], None))
    assert compared == [42, 42, 41]


def test_a_large_data_set_says_that_they_were_not_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = write(tmp_path, train=["one long text to be read here", "one long text to be read here x"], validation=["aa", "bb"])
    assert [each.kind for each in checks.find_problems(dataset)].count("near_duplicate") == 1
    assert checks.not_looked_for(dataset) == ""
    monkeypatch.setattr(near_duplicates, "MOST_ROWS", 3)
    assert "near_duplicate" not in [each.kind for each in checks.find_problems(dataset)]
    assert checks.not_looked_for(dataset) == "near-duplicates were not searched for: the data set has 4 rows, and the limit is 3"


def test_only_texts_that_are_new_are_hashed_again_and_the_answer_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = sentences(300, 0)
    hashed: list[int] = []
    compute = near_duplicates._computed
    monkeypatch.setattr(near_duplicates, "_known", None)
    monkeypatch.setattr(near_duplicates, "_computed", lambda new: hashed.append(len(new)) or compute(new))
    near_duplicates.earlier_of(texts)
    changed = [*texts[:40], *texts[41:], "a text that was not there before"]
    again = near_duplicates.earlier_of(changed)
    assert hashed == [len(set(texts)), 1]
    monkeypatch.setattr(near_duplicates, "_known", None)
    assert again.tolist() == near_duplicates.earlier_of(changed).tolist() and (again >= 0).any()
