"""Numbers that every module shares. Imports nothing: command lines can name them at once."""

FS_HZ = 360  # of MIT-BIH: every recording is brought to it
LEAD = "MLII"
LIKELY = "likely"  # in its place: of each record the lead that is likeliest to be lead II
MOST_LEADS = 3  # of a recording that are read where nobody says which
IMAGE_NAMES = ("complex", "decibel")  # preprocess.spectrogram
IMAGE_ALIASES = {"seed": "decibel"}  # names that images had before
FILTER_NAMES = ("butterworth", "published")  # of the beats: preprocess.signal.filters

# A beat's window, in samples before and after its R peak: 0.389 s and 0.5 s.
BEFORE, AFTER = 140, 180
WINDOW = BEFORE + AFTER

# Samples. The original work drops normal beats annotated this far from a detected R peak.
PEAK_TOLERANCE = 10
LONGEST_GAP_S = 24 * 3600.0  # in a recording: a longer one is a wrong time
FORMULA = tuple("=+-@")  # what a spreadsheet runs when a cell begins with it
