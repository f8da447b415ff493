"""What setup.cfg cannot say: packages are found, and the weights at the top of the repository
travel as one of them.
"""

from setuptools import find_packages, setup

setup(packages=[*find_packages(include=["jndlic", "jndlic.*"]), "jndlic.shipped"])
