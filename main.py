"""Train a detector on normal beats (default), evaluate it (--istest), screen recordings with it
(--screen), or explain what it finds in a beat (--explain). See options.py for every flag.

What each of these needs is imported when it is asked for.
"""

from pathlib import Path

import options


def main(argv=None):
    opt = options.parse("main", argv)
    if opt.screen:
        from experiments.screening.pipeline import screen_all

        return screen_all(opt)
    from preprocess import dataset

    data = dataset.load(opt.dataroot)
    if opt.split and opt.protocol == options.DEFAULTS["protocol"]:
        opt.protocol = "own"
    folder = Path(opt.outf) / opt.model / opt.protocol / f"fold{opt.folder}"
    if opt.explain:
        from experiments.reports.explain import explain

        return explain(data, opt, folder)
    from experiments.training import protocols

    names = protocols.read_names(opt.split, data.index) if opt.split else None
    rows = protocols.split(data.index, opt.protocol, opt.folder, opt.select, opt.istest, names)
    if opt.istest:
        test(data, rows, opt, folder)
    else:
        train(data, rows, opt, folder)


def train(data, rows, opt, folder):
    from experiments.training import loop
    from models.parallel import is_first

    checkpoint = loop.train(data, rows, opt, folder)
    if not is_first():
        return
    options.write_config(opt, checkpoint.options, folder / "options.json")
    print(
        f"trained {checkpoint.model} for {checkpoint.epoch} epochs on {checkpoint.train_beats} "
        f"normal beats in {checkpoint.seconds:.0f} s: {folder / 'checkpoint.pt'}"
    )


def test(data, rows, opt, folder):
    from experiments.reports.report import draw
    from experiments.training.checkpoint import open_detector
    from experiments.training.evaluation import evaluate

    path = opt.checkpoint or folder / "checkpoint.pt"
    checkpoint, detector = open_detector(path, opt.device, data, opt.dataroot, asked=opt)
    metrics, scores = evaluate(checkpoint, detector, data, rows, opt, folder)
    options.write_config(opt, checkpoint.options, folder / "options.json")
    draw(checkpoint, detector, data, rows, metrics, scores, folder)
    print(summary(metrics, folder))


def summary(metrics, folder):
    """The result as a short table for the terminal."""
    m = metrics
    ci = lambda name: " [{:.4f}, {:.4f}]".format(*m[name]) if name in m else ""
    per_class = "   ".join(
        f"{name} {value:.4f} (n {m['per_class_n'][name]})"
        for name, value in m["per_class_auc"].items()
        if value is not None
    )
    labels = ", ANOMALY LABELS chose the epoch (--select paper)" * m["uses_anomaly_labels"]
    return (
        f"\n{m['model']}, protocol {m['protocol']}, fold {m['fold']}, context {m['context']}, "
        f"source: {m['source']}{labels}\n"
        f"  trained on {m['trained_on_lead']} of {m['trained_on']}, tested on {m['lead']} of "
        f"{m['source']}: {m['n_normal']} normal and {m['n_abnormal']} abnormal beats\n"
        f"  AUC          {m['auc']:.4f}{ci('auc_ci')}\n"
        f"  AP           {m['ap']:.4f}{ci('ap_ci')}; {m['ap_at_10.8%']:.4f} at 10.8 % abnormal\n"
        f"  AUC by class {per_class}\n"
        f"  at the threshold (set for {m['false_alarm_target']:.0%} false alarms on held-out "
        "normal beats):\n"
        f"  sensitivity {m['sensitivity']:.3f}   PPV {m['ppv']:.3f}   F1 {m['f1']:.3f}   "
        f"false alarms {m['false_alarm_rate']:.3f}\n"
        f"report: {folder / 'report.html'}"
    )


if __name__ == "__main__":
    options.command(main)
