# Turns resources/schema/NNN.sql into one generated source, so that a store never depends on finding files at run time.
#   ts_embed_schema(OUTPUT_VARIABLE)
function(ts_embed_schema output)
  file(GLOB steps CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/resources/schema/*.sql")
  list(SORT steps)
  set(entries "")
  foreach(step IN LISTS steps)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${step}")
    get_filename_component(number "${step}" NAME_WE)
    string(REGEX REPLACE "^0+" "" number "${number}")
    file(READ "${step}" sql)
    string(APPEND entries "    {${number}, R\"~sql~(${sql})~sql~\"},\n")
  endforeach()
  set(path "${CMAKE_BINARY_DIR}/generated/experiments/store/schema_steps.cpp")
  file(CONFIGURE OUTPUT "${path}" @ONLY CONTENT
"// Made by cmake/EmbedSchema.cmake from resources/schema/.
#include \"experiments/store/database.h\"

namespace ts {

std::span<const SchemaStep> schemaSteps() {
  static constexpr SchemaStep steps[] = {
@entries@  };
  return steps;
}

}  // namespace ts
")
  set(${output} "${path}" PARENT_SCOPE)
endfunction()
