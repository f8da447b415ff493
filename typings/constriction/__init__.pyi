# What jndlic uses of constriction, which is an extension module without types of its own.
from constriction import stream as stream
