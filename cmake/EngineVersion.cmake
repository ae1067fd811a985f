# Run as a script: writes engine_version.h with the project's version and a hash of the engine's sources and data, which is part
# of every run's key: numbers of another engine are not taken for this one's.
file(GLOB_RECURSE sources RELATIVE "${SOURCE}" "${SOURCE}/engine/*.cpp" "${SOURCE}/engine/*.h" "${SOURCE}/resources/calibration/*" "${SOURCE}/resources/models/*.json")
list(SORT sources)
set(all "")
foreach(source IN LISTS sources)
  file(SHA256 "${SOURCE}/${source}" hash)
  string(APPEND all "${source} ${hash}\n")
endforeach()
string(SHA256 all "${all}")
string(SUBSTRING "${all}" 0 10 all)
file(CONFIGURE OUTPUT "${OUT}" CONTENT "#pragma once\n#define TS_ENGINE_VERSION \"${VERSION}+${all}\"\n")
