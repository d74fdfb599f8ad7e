"""Losses of logits, per example."""

import torch
import torch.nn.functional as F


def one_hot(labels, logits):
    return F.one_hot(labels, logits.shape[1]).to(logits.dtype)


def of_class(logits, classes):
    return logits.gather(1, classes[:, None])[:, 0]


def cross_entropy(logits, labels):
    """-y . log softmax(z), for integer labels or for distributions over the classes."""
    return F.cross_entropy(logits, labels, reduction="none")


def squared_error(logits, labels):
    """Prop. C.1: half the squared distance from the one-hot label."""
    return ((one_hot(labels, logits) - logits) ** 2).sum(1) / 2


def margin(logits, labels):
    """The largest wrong logit less the label's."""
    wrong = logits.masked_fill(one_hot(labels, logits).bool(), -torch.inf)
    return wrong.amax(1) - of_class(logits, labels)


def targeted_margin(logits, labels, targets):
    return of_class(logits, targets) - of_class(logits, labels)


def dlr(logits, labels):
    """Croce & Hein 2020, Eq. 6."""
    ordered = logits.sort(1, descending=True).values
    return margin(logits, labels) / (ordered[:, 0] - ordered[:, 2])


def targeted_dlr(logits, labels, targets):
    """Croce & Hein 2020, Eq. 7."""
    ordered = logits.sort(1, descending=True).values
    return targeted_margin(logits, labels, targets) / (
        ordered[:, 0] - (ordered[:, 2] + ordered[:, 3]) / 2
    )


def kl(p_logits, q_logits):
    """KL(p || q) of two softmax distributions."""
    log_p, log_q = p_logits.log_softmax(1), q_logits.log_softmax(1)
    return F.kl_div(log_q, log_p, reduction="none", log_target=True).sum(1)


def hessian_of_cross_entropy(logits):
    """H = diag(p) - p p' of each example."""
    p = logits.softmax(1)
    return torch.diag_embed(p) - p[:, :, None] * p[:, None, :]


def hessian_of_squared_error(logits):
    return torch.eye(logits.shape[1]).expand(len(logits), -1, -1)
