"""emotui baseline and emotui train: start a run and follow it."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec

from .. import class_weights
from ..errors import UserError
from ..runs import neighbours
from ..runs.ranks import split_address
from ..safe_text import safe_line
from ..shell import quote
from ..specs import BaselineSpec, Job, TrainSpec
from . import cards, fetch, follow, options
from .output import Output


def add(commands: Any) -> None:
    baseline = options.command(
        commands,
        "baseline",
        run_baseline,
        description="Measure the ladder of baselines: the most frequent class, and logistic regression on TF-IDF, on the tokens' own "
        "vectors (static embeddings) and on the hidden states of the frozen encoder. It is a run like any other: predict, evaluate and "
        "export work with it.",
        examples=["emotui baseline starter", "emotui baseline DATA --pooling mean", "emotui baseline DATA --curve"],
    )
    options.add_data(baseline)
    options.add_model(baseline)
    options.add_hyperparameters(baseline, BaselineSpec)
    curve = baseline.add_argument_group("how much more labels would bring")
    curve.add_argument(
        "--curve", action="store_true", help="measure each rung on a half, a quarter and so on of the labels, too, three draws of each"
    )
    curve.add_argument(
        "--curve-fine-tuned",
        action="store_true",
        help="fine-tune on each of these, too, which takes as long as several runs of emotui train",
    )
    options.add_detach(baseline)

    train = options.command(
        commands,
        "train",
        run_train,
        description="Fine-tune an encoder with a classification head, and show the losses, the scores and the confusion matrix. "
        "Ctrl+C saves and stops; emotui resume continues.",
        examples=["emotui train starter", "emotui train DATA --model ms:AI-ModelScope/distilbert-base-uncased --preset tutorial --detach"],
    )
    options.add_data(train)
    options.add_model(train)
    options.add_hyperparameters(train, TrainSpec)
    _add_processes(train)
    options.add_detach(train)


def _add_processes(parser: options.Parser) -> None:
    group = parser.add_argument_group("more than one GPU or machine")
    group.add_argument(
        "--processes", metavar="N", type=options.positive, default=1, help="split every batch among N processes, each on its own GPU"
    )
    group.add_argument(
        "--nodes", metavar="N", type=options.positive, default=1, help="number of machines, each started with the same options"
    )
    group.add_argument("--node-rank", metavar="K", type=options.natural, help="which machine this is, from 0; machine 0 writes the model")
    group.add_argument("--master", metavar="ADDRESS", help="address of machine 0: ADDRESS or ADDRESS:PORT (default port: 29500)")


def run_baseline(arguments: argparse.Namespace, output: Output) -> int:
    """Start the ladder of baselines, and follow it unless --detach is given."""
    spec = fetch.data_spec(arguments)
    job = BaselineSpec(
        data=spec,
        model=fetch.model(arguments.model, output, offline=arguments.offline),
        **options.hyperparameters_of(arguments, BaselineSpec),
        curve=arguments.curve or arguments.curve_fine_tuned,
        curve_fine_tuned=arguments.curve_fine_tuned,
    )
    return _start(job, arguments, output)


def run_train(arguments: argparse.Namespace, output: Output) -> int:
    """Start a fine-tuning, and follow it unless --detach is given."""
    check_processes(arguments)
    spec = fetch.data_spec(arguments)
    job = TrainSpec(
        data=spec,
        model=fetch.model(arguments.model, output, offline=arguments.offline),
        **options.hyperparameters_of(arguments, TrainSpec),
        processes=arguments.processes,
        nodes=arguments.nodes,
        node_rank=arguments.node_rank or 0,
        master=arguments.master or "",
    )
    return _start(job, arguments, output)


def check_processes(arguments: argparse.Namespace) -> None:
    """Raise UserError for options of processes and machines that contradict each other."""
    if arguments.nodes == 1 and (arguments.node_rank is not None or arguments.master is not None):
        raise UserError("--node-rank and --master are for several machines", "Say how many with --nodes N")
    if arguments.nodes > 1:
        if arguments.node_rank is None or arguments.master is None:
            raise UserError(f"--nodes {arguments.nodes} needs --node-rank K, 0 on the first machine, and --master, the first one's address")
        if arguments.node_rank >= arguments.nodes:
            raise UserError(f"--node-rank {arguments.node_rank} is not one of the {arguments.nodes} machines: count from 0")
        split_address(arguments.master)
    neighbours.check_processes(arguments.processes, arguments.device)
    if arguments.device.startswith("cuda:") and arguments.processes > 1:
        raise UserError(f"--device {arguments.device} is one card", "With --processes each takes its own: give --device cuda, or none")


def _start(job: Job, arguments: argparse.Namespace, output: Output) -> int:
    from ..data import checks, sources
    from ..model import limits
    from ..runs import launch

    data = fetch.dataset(job.data, output)
    # The run stores the guesses about the file, so that a resumed run reads it in the same way.
    job = msgspec.structs.replace(job, data=data.spec or job.data)
    job = cards.choose_gpu(job, output)
    limits.check(job)
    if isinstance(job, TrainSpec) and (advice := class_weights.advice(job.class_weights, data.splits["train"].counts())):
        output.message(str(advice))
    data_hash = sources.fingerprint(data)
    with follow.CtrlC() as ctrl_c:
        run = launch.start(job, data_hash=data_hash, labels=data.labels, scope=arguments.scope)
        follow.warn_of_logout(output, scope=arguments.scope)
        if arguments.detach:
            for reason in checks.distrusted(checks.find_problems(data, near=False)):  # the run also logs it, for whoever follows it
                output.message(f"results on this data cannot be trusted: {safe_line(reason)}")
            note = f"run {run.id} continues without this terminal. Follow it with: emotui watch {quote(run.id)}"
            return follow.detach(run, output, ctrl_c, json=arguments.json, note=note)
        output.message(f"run {run.id} started. {follow.how_to_stop(job)}")
        view = follow.to_the_end(run, output, ctrl_c=ctrl_c)
    return follow.conclude(run, view, output, json=arguments.json)
