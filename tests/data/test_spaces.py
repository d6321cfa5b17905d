"""Which texts are written without spaces between words."""

from __future__ import annotations

import pytest
from emotui.core.data import spaces


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("我很喜欢这家店", True),
        ("この店がとても好きです", True),
        ("ﾃｽﾄﾃｽﾄ", True),
        ("ฉันชอบร้านนี้มาก", True),
        ("ខ្ញុំចូលចិត្តហាងនេះ", True),
        ("ຂ້ອຍມັກຮ້ານນີ້", True),
        ("ကျွန်တော်ဒီဆိုင်ကိုကြိုက်တယ်", True),
        ("ང་ཚང་ཁང་འདི་ལ་དགའ", True),
        ("这家店 very good 味道很好很喜欢", True),
        ("this shop, 很好, is really good", False),
        ("나는 이 가게를 좋아해요", False),
        ("мне нравится этот магазин", False),
        ("أحب هذا المتجر كثيرا", False),
        ("मुझे यह दुकान पसंद है", False),
        ("tôi thích cửa hàng này", False),
        ("12345 !!! 🙂", False),
        ("", False),
    ],
)
def test_scripts(text: str, without: bool) -> None:
    assert spaces.without_spaces(text) is without
    assert spaces.unspaced([text] * 3) is without


def test_most_letters_of_all_texts_decide() -> None:
    assert spaces.unspaced(["good"] * 3 + ["味道很好很喜欢这家店的服务"] * 3)
    assert not spaces.unspaced(["a good shop with friendly people in it"] * 3 + ["好"] * 3)
