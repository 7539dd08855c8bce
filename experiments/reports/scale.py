"""The one scale on which errors are shown, in every picture and page. Needs no matplotlib."""

# Standard deviations of held-out normal beats: one colour scale for every beat ever drawn.
ERROR_SCALE = (0.0, 8.0)
CONTOUR_SD = 4.0  # level of the contour on an error map
ERROR_COLOURS = "inferno"  # dark is normal; lightness rises steadily, so it reads the same in grey
