"""What may be said: run records, studies, tables, figures, reports, and the command line."""

import os

# The matrices here are small: threads of the linear algebra library would spend the time waiting for each other, and
# what runs side by side (notebooks, parts of a study) already keeps the cores busy. It reads this when NumPy loads it.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
