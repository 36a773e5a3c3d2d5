# cmake -DSOURCE=… -DMUTATION=… -DOUTPUT=… -P mutate.cmake
# Writes SOURCE with the replacements of MUTATION to OUTPUT. MUTATION sets FROM_1, TO_1 and perhaps FROM_2, TO_2; each FROM
# must stand in the source exactly once, so that a mutation fails to build rather than mutate nothing once the code moves.
cmake_minimum_required(VERSION 3.25)
file(READ "${SOURCE}" text)
include("${MUTATION}")
foreach(number 1 2)
  if(NOT DEFINED FROM_${number})
    continue()
  endif()
  set(from "${FROM_${number}}")
  string(FIND "${text}" "${from}" first)
  string(FIND "${text}" "${from}" last REVERSE)
  if(first EQUAL -1 OR NOT first EQUAL last)
    message(FATAL_ERROR "${MUTATION}: FROM_${number} must stand once in ${SOURCE}: ${from}")
  endif()
  string(REPLACE "${from}" "${TO_${number}}" text "${text}")
endforeach()
file(WRITE "${OUTPUT}" "${text}")
