"""Kill, cut, slow and fill up everything, then compare what was generated with what is stored."""
