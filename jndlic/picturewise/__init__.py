"""Picture-wise just-noticeable differences: from which level of a codec on do people see no change?"""
