"""The card that is shipped with a model: what it is, how it was made, how near it comes to its rules."""

from __future__ import annotations

from agents.llm.model.corpus import TOPICS
from agents.llm.model.evaluate import ACTIONS, Comparison
from agents.llm.model.train import Trained, TrainSettings
from agents.llm.persona import STYLES

__all__ = ["card_text"]


def card_text(settings: TrainSettings, trained: Trained, found: Comparison) -> str:
    """Return the card as Markdown."""
    model = trained.model
    n_parameters = sum(p.numel() for p in model.parameters())
    shape = model.shape
    lines = [
        "# The small model",
        "",
        "**What it is.** A distillation of the rules in `agents/llm/rules.py`: a tiny transformer that has learnt,",
        "from text alone, what each persona's rule decides. It is good for plumbing, tests and demonstrations without",
        "a key or a network. It is no evidence about how large language models behave, and it understands no",
        "language: of news it knows the tone of the words in `agents/llm/tone.py`.",
        "",
        f"**Network.** Decoder-only transformer, {n_parameters:,} parameters: {shape.n_layers} layers, width "
        f"{shape.width}, {shape.n_heads} heads,",
        f"context {shape.context}, vocabulary {shape.n_tokens}; stored in half precision, run in single. Instructions",
        "(the system message) are not read; the persona stands in the first line of the observation.",
        "",
        f"**Training.** `outcry train llm --steps {settings.steps} --batch {settings.batch} --seed {settings.seed}`: "
        f"{settings.steps * settings.batch:,} made-up observations and",
        f"the rules' decisions on them: styles {', '.join(STYLES)};",
        f"news of the topics {', '.join(TOPICS)}; lessons and other memories.",
        f"AdamW, peak rate {settings.rate:g}, {trained.seconds:.0f} s on one thread; loss per reply token "
        f"{trained.losses[0]} to {trained.losses[-1]}.",
        "",
        f"**Against the rules**, on {found.n:,} unseen situations (other seed), sampled at temperature 1, schema "
        f"enforced: {found.n_valid:,} of",
        f"{found.n:,} replies are of the schema. Frequencies of actions, rule / model:",
        "",
        f"| style | n | {' | '.join(ACTIONS)} | distance | same action | same side | same decision |",
        f"|---|---|{'---|' * len(ACTIONS)}---|---|---|---|",
    ]
    for style, row in found.by_style.items():
        cells = [f"{row.rule[a] / max(1, row.n):.1%} / {row.model[a] / max(1, row.n):.1%}" for a in ACTIONS]
        lines.append(
            f"| {style} | {row.n} | {' | '.join(cells)} | {row.distance:.3f} | {row.n_same_action / max(1, row.n):.1%} "
            f"| {f'{row.n_same_side / row.n_sided:.1%}' if row.n_sided else ''} | {row.agreement:.1%} |"
        )
    lines += [
        "",
        "Distance: total variation between the two frequencies. Same side: of the decisions in which both buy or sell.",
        "`noise` decides at random, so chance is all that can be had there.",
        "",
        "**Reproducibility.** Replies do not depend on the batch. Sums of floating-point numbers differ between kinds",
        "of processors; scores are rounded to 1/1024 before a token is drawn, which makes other replies rare, not",
        "impossible. Record a run to have the same tape everywhere.",
        "",
        "**Licence.** Apache-2.0, as the code. No data of others went into it.",
    ]
    return "\n".join(lines) + "\n"
