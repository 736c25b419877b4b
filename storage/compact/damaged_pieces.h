// What cannot be read of a block whose other samples live on in another one: a folder with the
// bytes of its damaged chunks, each run of them a file `chunks.<offset>`, beside a `meta` that
// tells range and number of the samples lost. Plain value.
#pragma once

#include "storage/block/block_reader.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::storage {

class damaged_pieces {
 public:
  static constexpr size_t max_pieces = 100;

  /// Of the damage that the reader knows. Nothing if the block is worth keeping whole: series
  /// records are damaged (they tell whose the chunks are), its files fail, or the damage lies in
  /// more than max_pieces places.
  static std::optional<damaged_pieces> of(const block_reader& block);

  /// Makes the folder `path` complete or not at all; it must not exist. The caller syncs its
  /// parent.
  status write(file_system& fs, const block_reader& block, const std::string& path) const;
  /// For people.
  std::string reason() const;

 private:
  struct piece {
    uint64_t offset = 0;
    uint64_t bytes = 0;
  };

  void add(const chunk_ref& chunk);

  block_meta meta_;  ///< of what is lost
  std::vector<piece> pieces_;
};

}  // namespace troupe::storage
