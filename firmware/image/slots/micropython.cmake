# The module _slots, for images that lie in one of two slots.
add_library(usermod_slots INTERFACE)
target_sources(usermod_slots INTERFACE ${CMAKE_CURRENT_LIST_DIR}/slots.c)
target_include_directories(usermod_slots INTERFACE ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(usermod INTERFACE usermod_slots)
