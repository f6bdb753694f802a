# cmake --install: the program, both libraries, the headers, and how CMake and pkg-config find them.
# All can be moved together.
include(CMakePackageConfigHelpers)
set(CUBE_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/cube)

install(TARGETS cube RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES include/cube_plugin.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_BINARY_DIR}/include/cube DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")

# A set of targets each, so that who takes the shared library need not have what the static one takes.
foreach(library Shared Static)
  string(TOLOWER cube_${library} target)
  install(TARGETS ${target} EXPORT cube${library}Targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT cube${library}Targets NAMESPACE cube:: DESTINATION ${CUBE_CMAKE_DIR})
endforeach()

# Names of pkg-config; those of the variables follow from them in cubeConfig.cmake.
set(CUBE_PKG_MODULES muparser netcdf hdf5 libisal libgif libwebp)
configure_package_config_file(cmake/cubeConfig.cmake.in ${PROJECT_BINARY_DIR}/cubeConfig.cmake
                              INSTALL_DESTINATION ${CUBE_CMAKE_DIR})
# While the major version is 0 a minor one may break what used the one before.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cubeConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cubeConfig.cmake ${PROJECT_BINARY_DIR}/cubeConfigVersion.cmake
        DESTINATION ${CUBE_CMAKE_DIR})

# Libs.private instead of Requires.private, for which pkg-config would want to find all of them even
# where the shared library is taken.
set(private -lgdal -lsqlite3 ${MUPARSER_LDFLAGS} ${NETCDF_LDFLAGS} ${HDF5_LDFLAGS} ${ISAL_LDFLAGS}
    ${GIF_LDFLAGS} ${WEBP_LDFLAGS} ${OpenMP_CXX_FLAGS} -ldl)
list(JOIN private " " CUBE_PC_PRIVATE)
file(RELATIVE_PATH CUBE_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" CUBE_PC_PREFIX "${CUBE_PC_PREFIX}")
configure_file(cmake/cube.pc.in ${PROJECT_BINARY_DIR}/cube.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cube.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The man page and what shells complete, as the program prints them.
set(CUBE_DOCS ${PROJECT_BINARY_DIR}/docs)
add_custom_command(
  OUTPUT ${CUBE_DOCS}/cube.1 ${CUBE_DOCS}/cube.bash ${CUBE_DOCS}/_cube ${CUBE_DOCS}/cube.fish
  COMMAND ${CMAKE_COMMAND} -E make_directory ${CUBE_DOCS}
  COMMAND cube man > ${CUBE_DOCS}/cube.1
  COMMAND cube completion bash > ${CUBE_DOCS}/cube.bash
  COMMAND cube completion zsh > ${CUBE_DOCS}/_cube
  COMMAND cube completion fish > ${CUBE_DOCS}/cube.fish
  DEPENDS cube VERBATIM)
add_custom_target(cube_docs ALL DEPENDS ${CUBE_DOCS}/cube.1)
install(FILES ${CUBE_DOCS}/cube.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${CUBE_DOCS}/cube.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME cube)
install(FILES ${CUBE_DOCS}/_cube DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${CUBE_DOCS}/cube.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
