"""One module a question. Each has WORKLOADS, and can be imported with no peer installed."""

QUESTIONS = (
    "eager",
    "gradients",
    "derivatives",
    "compiling",
    "rows",
    "training",
    "workers",
    "gpt",
    "nn",
    "optim",
    "checking",
    "starting",
)
