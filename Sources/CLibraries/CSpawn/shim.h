#pragma once

// glibc declares these two only under _GNU_SOURCE, with which Swift does not import it. `actions` is a
// posix_spawn_file_actions_t; including <spawn.h> here would make this module the owner of glibc's thread types.
extern int spawn_file_actions_addchdir(void *actions, const char *path)
    __asm__("posix_spawn_file_actions_addchdir_np");
extern int spawn_file_actions_addclosefrom(void *actions, int from)
    __asm__("posix_spawn_file_actions_addclosefrom_np");

// POSIX_SPAWN_SETSID of glibc's <spawn.h>.
static const short spawn_setsid = 0x80;
