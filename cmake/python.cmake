# The Python that generates the API types and runs the scripts of tools/. Debian's own first: the
# modules of tools/packages.txt are installed for it and for no other.
find_program(LOBO_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(NOT LOBO_PYTHON)
  find_program(LOBO_PYTHON python3 REQUIRED)
endif()
