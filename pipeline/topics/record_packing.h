// Frames of records, packed with zstd. One owner.
#pragma once

#include "pipeline/topics/record.h"
#include "storage/base/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::topics {

class frame_packer {
 public:
  frame_packer();
  ~frame_packer();
  /// How `frames` are stored; `out` is replaced.
  frame_packing pack(std::string_view frames, std::string& out);
  uint64_t memory_bytes() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

class frame_unpacker {
 public:
  frame_unpacker();
  ~frame_unpacker();
  /// The frames of a record, valid until the next call. corruption if they do not unpack, or to
  /// more than max_record_bytes.
  result<std::string_view> unpack(const record_parts& record);
  uint64_t memory_bytes() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace troupe::topics
