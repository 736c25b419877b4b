// Entries to the body of a remote-write request, compressed. One owner.
#pragma once

#include "pipeline/remote/write_encoder.h"
#include "pipeline/remote/write_protocol.h"
#include "pipeline/remote/write_v2_encoder.h"
#include "pipeline/send/entry.h"
#include "pipeline/send/lane.h"
#include "pipeline/send/metadata_book.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::send {

class body_encoder {
 public:
  explicit body_encoder(remote::write_protocol protocol) : protocol_(protocol) {}

  std::string encode(std::span<const portion> parts, const metadata_book& described);
  /// Version 1.0: a request with metadata alone.
  static std::string encode_metadata(std::span<const std::pair<std::string, metadata>> families);

 private:
  void add_v1(const entry& e);
  void add_v2(const entry& e, const metadata_book& described);

  const remote::write_protocol protocol_;
  remote::write_encoder v1_;
  std::unique_ptr<remote::write_v2_encoder> v2_;
};

}  // namespace troupe::send
