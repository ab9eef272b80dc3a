"""The terms of a report with their meanings, for readers who do not know the documentation."""

GLOSSARY: dict[str, str] = {
    "candidate": (
        "A recurrent cell at a size, such as gru-64, or gru-2x45: two layers of 45 units, which "
        "have as many weights together. The cheapest is the one with the "
        "fewest MACs."
    ),
    "training": (
        "One candidate trained once, with one random seed. It has diverged if its loss or its "
        "score was no number any more."
    ),
    "random seed": (
        "The number that the first weights and the order of the data are drawn from. The same "
        "candidate scores differently with another one."
    ),
    "item": (
        "What has a score of its own: a recording, a sentence, a window of a series. Items that do "
        "not vary independently, as those of one voice, are a group."
    ),
    "validation set, test set": (
        "Items that no weight is fitted to. The validation set chooses the candidate. The test set "
        "is read once, afterwards, and chooses nothing: it can only contradict."
    ),
    "score": "Mean over random seeds ± standard deviation.",
    "margin": "The largest difference of mean scores that does not matter. It is set beforehand.",
    "chance": (
        "The probability that the true mean score of a candidate is within the margin of the best "
        "candidate's, by what random seeds and items tell."
    ),
    "risk": (
        "The probability that another candidate is better than the recommended one by more than "
        "the margin, by what the validation set tells: what is left of its chance."
    ),
    "runner-up": "The best candidate on the validation set, the recommended one aside.",
    "calibration error": (
        "Whether a classifier is right as often as it says: the mean difference between its "
        "accuracy and the probability of the class that it answers. 0 is best."
    ),
    "recall, macro F1": (
        "Recall: the share of the items of a class that are classified as it. Macro F1: the mean "
        "over all classes, with equal weights, of the harmonic mean of recall and precision, the "
        "share of correct items among those classified as the class. A classifier that always "
        "answers the most frequent class can have a high accuracy, but it has a low macro F1."
    ),
    "expected loss": (
        "By how many margins a candidate is worse than the best one, as a mean over all that is "
        "possible."
    ),
    "decided, open": (
        "Decided: the chance of a candidate is at least 98 % by the validation set. If several "
        "have that, the cheapest is used. Open: none has it, or the test set contradicts: it gives "
        "the chosen one a chance below 50 %."
    ),
    "look": (
        "All candidates start with the same number of random seeds. At each look, those with a "
        "chance below 1 % get no more, until it is decided or the most seeds are reached."
    ),
    "ensemble": (
        "Several random seeds of one candidate that answer together, by the mean of what each "
        "puts out. p: how probable such a difference is by chance alone. What is registered is "
        "the model to use."
    ),
    "moved back": (
        "What is trained on the validation set too has nothing left to choose when to stop, nor to "
        "say how good it is. So this is tried one validation set earlier: what was the last part "
        "of the training set chooses, and the validation set scores. The gain is in units of the "
        "score, ± its standard error, with limits at 90 %. It is believed where the lower one is "
        "above 0, so that its chance to be above 0 is at least 95 %."
    ),
    "simple baseline": "A predictor without a recurrent cell, which a cell should beat.",
    "network without a recurrence": (
        "A linear map of past steps (linear), causal convolutions (tcn) or a small transformer in "
        "the place of the recurrent layer, with about as many MACs as the largest candidate and "
        "two random seeds. It is no candidate. It is compared with the recommended candidate in "
        "margins ± standard error, once what a random seed does to all alike is taken out. A model "
        "that translates cannot be made around one: it begins to write from the states of a cell."
    ),
    "champion": (
        "The registered model that answers for a dataset, under the alias of this name. It comes "
        "from the recommended candidate, unless a user chose another version."
    ),
    "behind": (
        "By how much a candidate is worse than the best of those with as many random seeds, none "
        "of which diverged, on the validation set, with limits that hold together at 95 %. Worse: "
        "beyond chance."
    ),
    "MACs": (
        "Multiply-accumulates of the recurrent layers, or of the layers in their place, for one "
        "step of one sequence."
    ),
    "size": (
        "Which of the sizes of params.yaml, how far the number of weights is from it, and how many "
        "layers there are, if several."
    ),
    "policy": (
        "A way to come to a candidate. Regret: by how much its score on the test set is worse than "
        "the best."
    ),
}
"""The meaning of each term, in the order in which a reader needs them."""
