// Where the frames of a log file end whose tail is reserved space.
#pragma once

#include "storage/base/file_system.h"

#include <cstdint>

namespace troupe::storage {

/// Below `limit`: behind the last whole frame, or behind the last byte that is not zero if that is
/// further (a frame that was not written whole). A frame may end in zeros, so the zeros alone do
/// not tell. `limit` if the file cannot be read.
uint64_t end_of_frames(const readable_file& file, uint64_t limit);

}  // namespace troupe::storage
