"""Classes of beats: which WFDB symbol belongs to which AAMI class."""

ABNORMAL = ("S", "V", "F", "Q")
CLASSES = ("N", *ABNORMAL)
CLASS_NAMES = {
    "N": "normal and bundle branch block",
    "S": "supraventricular ectopic",
    "V": "ventricular ectopic",
    "F": "fusion",
    "Q": "paced or unclassifiable",
}

# As in the original work (BeatGAN's preprocessing): the escape beats e and j are S.
CLASS_OF = {
    symbol: name
    for name, symbols in {"N": "NLR", "S": "AaJSje", "V": "VE", "F": "F", "Q": "/fQ"}.items()
    for symbol in symbols
}
# ANSI/AAMI EC57: escape beats (e, j) belong to N.
CLASS_OF_EC57 = CLASS_OF | {"e": "N", "j": "N"}
