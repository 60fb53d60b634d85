// Reads the small text files in which Linux describes itself (/proc, /sys, /etc/os-release).
// Private to core; user data goes through FileSystem (fs.hpp).
#pragma once

#include <string>

namespace abikit::os {

// The content, at most 1 MiB; empty when the file cannot be read: these files are all optional.
std::string read_text_file(const std::string& path);

}  // namespace abikit::os
