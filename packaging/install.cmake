# SPDX-License-Identifier: MIT
# What `cmake --install` puts where. Paths inside the systemd units and the
# manual follow the prefix: with /usr they are what a Debian package has.
set(WHD_UNIT_DIR lib/systemd/system CACHE STRING "where systemd units go")
set(WHD_SYSUSERS_DIR lib/sysusers.d CACHE STRING "where sysusers.d snippets go")
set(WHD_PYTHON_DIR lib/python3/dist-packages CACHE STRING "where whclient.py goes")

install(TARGETS whd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR} COMPONENT daemon)
install(TARGETS whctl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT control)

# ------------------------------------------------------- client libraries --
list(JOIN MSGPACK_LDFLAGS " " WHCLIENT_LIBS_PRIVATE)
configure_file(proto/client/whclient.pc.in whclient.pc @ONLY)
install(TARGETS whclient LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library)
install(FILES proto/client/whclient.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library)
install(FILES ${CMAKE_BINARY_DIR}/whclient.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT library)
install(FILES proto/client/whclient.py DESTINATION ${WHD_PYTHON_DIR} COMPONENT library)

# ---------------------------------------------------------------- systemd --
# The unit in the tree is the one for /usr; another prefix changes its programs.
file(READ packaging/systemd/whd.service unit)
string(REPLACE "=/usr/sbin/" "=${CMAKE_INSTALL_FULL_SBINDIR}/" unit "${unit}")
string(REPLACE "=/usr/bin/" "=${CMAKE_INSTALL_FULL_BINDIR}/" unit "${unit}")
file(CONFIGURE OUTPUT whd.service CONTENT "${unit}" @ONLY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS packaging/systemd/whd.service)
install(FILES ${CMAKE_BINARY_DIR}/whd.service packaging/systemd/whd.socket
  DESTINATION ${WHD_UNIT_DIR} COMPONENT daemon)
install(FILES packaging/sysusers.d/whd.conf DESTINATION ${WHD_SYSUSERS_DIR} COMPONENT daemon)

# ---------------------------------------------------------- documentation --
install(FILES packaging/whd.conf.example README.md CHANGELOG.md proto/PROTOCOL.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT daemon)
install(FILES packaging/man/whd.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8 COMPONENT daemon)
install(FILES packaging/man/whd.conf.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5 COMPONENT daemon)
install(FILES packaging/man/whd-rpc.7 DESTINATION ${CMAKE_INSTALL_MANDIR}/man7 COMPONENT library)
install(FILES packaging/man/whctl.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT control)

# ------------------------------------------------------------- completion --
# whctl prints its own completion scripts; they ask it for every word.
set(completion ${CMAKE_BINARY_DIR}/completion)
foreach(shell bash zsh fish)
  add_custom_command(OUTPUT ${completion}/${shell}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${completion}
    COMMAND whctl completion ${shell} > ${completion}/${shell}
    DEPENDS whctl VERBATIM)
endforeach()
add_custom_target(completion ALL
  DEPENDS ${completion}/bash ${completion}/zsh ${completion}/fish)
install(FILES ${completion}/bash RENAME whctl
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT control)
install(FILES ${completion}/zsh RENAME _whctl
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions COMPONENT control)
install(FILES ${completion}/fish RENAME whctl.fish
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT control)
