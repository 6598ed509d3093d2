#!/bin/sh
# The document of the school's overlay, made once by the teacher: it permits self-signed certificates, so there is no enrollment, and
# anybody who has it can join. Give configuration.xml to every computer; the folder authority stays with the teacher.
set -eu
ringbridge overlay init school.example --self-signed sha256 --bootstrap "${1:?address of the first computer}:6084" \
  --authority ./authority --public .
