"""A simulated cohort of two-lead Holter ECGs as WFDB records, with the truth about its beats.

For tests, demonstrations and error-map checks where no recordings can be had.
It is no substitute for patients: every header says 'simulated', and a result on it says nothing
about a clinic.

Model
-----
* Waves: each beat is a sum of Gaussians, one per wave, as in ECGSYN (McSharry PE, Clifford GD,
  Tarassenko L, Smith LA. A dynamical model for generating synthetic electrocardiogram signals.
  IEEE Trans Biomed Eng 2003;50(3):289-294), here in closed form, in seconds from the R peak and
  per lead (Sameni R, Clifford GD, Jutten C, Shamsollahi MB. Multichannel ECG and noise modeling:
  application to maternal and fetal ECG signals. EURASIP J Adv Signal Process 2007:043407), with a
  width for either side of a wave, so that T can rise slowly and fall fast. T moves and widens with
  the cube root of RR (Fridericia LS. Acta Med Scand 1920;53:469-486).
* Sinus rhythm: RR with ECGSYN's bimodal spectrum, 0.1 Hz (Mayer waves) and the breathing rate
  (respiratory sinus arrhythmia), which also sways baseline and amplitude; a slower drift of the
  rate is added. Some have a strong sinus arrhythmia; some fibrillate: RR without order, no P wave.
* Ectopic beats: V and F leave the sinus node alone, so it fires on schedule (full compensatory
  pause, the blocked P somewhere in V's QRS-T); A, a and J reset it (shorter pause). In half of the
  subjects or more they come late, hardly early; in some the bundle is blocked now and then.
* Noise: baseline wander, electrode drift and jumps, mains, muscle noise falling with frequency and
  in bursts.

The truth about what is abnormal, and where: preprocess.simulate.truth.
"""

from preprocess.simulate.cohort import simulate
from preprocess.simulate.truth import FLOOR_MV, R_FRACTION, TRUTH, TRUTH_COLUMNS

__all__ = ["FLOOR_MV", "R_FRACTION", "TRUTH", "TRUTH_COLUMNS", "simulate"]
