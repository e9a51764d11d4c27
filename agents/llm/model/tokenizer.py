"""The small model's tokenizer: byte-pair encoding in which the fixed phrases of texts are one token."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

__all__ = ["END", "PROMPT_END", "grammar_tokenizer", "prompt_tokens", "train_tokenizer"]

PAD, END, PROMPT_END, REFLECT = "<pad>", "<end>", "<decide>", "<reflect>"
PHRASES = (
    "you: ", ", risk ", "; price ", "; value ", "; ", "; spread ", "; one side empty", "; news ", "; horizon ",
    "; no orders", "; orders resting", ", price ", "falling fast", "rising fast", "down a lot", "up a lot", "unchanged",
    "far below", "far above", "no position", "small long", "small short", "large long", "large short", "full long",
    "full short", "fresh ", "old ", " s\ntime: ", " min since open, ", " min to close\nbook: bid ", ", bid ", " of ",
    ", ask ", "\nprice: ", " since last look, ", " over horizon, ", " since open\nvalue: ", " from mid\nposition: ",
    "unknown\nposition: ", ", profit ", ", can buy ", ", can sell ", "\norders: ", "\nnews: ", " s ago, ",
    " since: <<<",
    ">>>", "\nmemory: ", "lesson: ", " lots, price ", "buy ", "sell ", " at ", "smaller_orders", "be_patient",
    "distrust_rumours", "rate_decision",
    '{"view":"', '","confidence":', ',"cancel_open_orders":', ',"orders":[', '{"side":"', '","kind":"',
    '","offset_ticks":', ',"qty_lots":', ',"time_in_force":"', '"},', '"}]}', "]}", "post_only",
    '{"cause":"', '","change":"', '"}', "false_news", "price_moved_against", "paid_the_spread", "bad_luck",
)  # fmt: skip


def _pattern() -> str:
    phrases = "|".join(re.escape(p).replace("\\\n", "\\n") for p in sorted(PHRASES, key=len, reverse=True))
    return rf"(?:{phrases})| ?[A-Za-z]+|\d|[^A-Za-z\d]"


def train_tokenizer(texts: Iterable[str], size: int) -> Any:
    """Return a tokenizer of at most `size` tokens that has learnt from texts; any text can be encoded."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(_pattern()), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[PAD, END, PROMPT_END, REFLECT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        min_frequency=2,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def prompt_tokens(tokenizer: Any, schema: str, user: str) -> list[int]:
    """Return the tokens of a prompt: the user message alone (the instructions never change) and what is asked for."""
    mark = REFLECT if schema == "reflection" else PROMPT_END
    # Marks in the text are text: special tokens are not looked for.
    return [*encode_text(tokenizer, user), tokenizer.token_to_id(mark)]


def encode_text(tokenizer: Any, text: str) -> list[int]:
    """Return the tokens of plain text."""
    for mark in (PAD, END, PROMPT_END, REFLECT):
        text = text.replace(mark, " ")
    return list(tokenizer.encode(text, add_special_tokens=False).ids)


def _byte_of() -> dict[str, int]:
    """Return GPT-2's mapping of printable characters to bytes, which byte-level encoding uses."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {**{chr(b): b for b in printable}, **{chr(256 + k): b for k, b in enumerate(others)}}


def grammar_tokenizer(tokenizer: Any) -> Any:
    """Return the same vocabulary as llguidance wants it: the bytes of every token."""
    from llguidance import LLTokenizer, TokenizerWrapper

    byte_of = _byte_of()
    special = {mark: tokenizer.token_to_id(mark) for mark in (PAD, END, PROMPT_END, REFLECT)}
    names = [tokenizer.id_to_token(k) for k in range(tokenizer.get_vocab_size())]

    class Vocabulary:
        eos_token_id = special[END]
        bos_token_id = None
        tokens = [name.encode() if name in special else bytes(byte_of[c] for c in name) for name in names]  # noqa: RUF012
        special_token_ids = sorted(special.values())

        def __call__(self, text: Any) -> list[int]:
            return encode_text(tokenizer, text.decode("utf-8", "replace") if isinstance(text, bytes) else text)

    return LLTokenizer(TokenizerWrapper(Vocabulary()), n_vocab=len(names))
