#include "pipeline/remote/request_reader.h"

#include "pipeline/remote/protobuf.h"
#include "storage/base/quote.h"

#include <algorithm>

namespace troupe::remote {

namespace {

struct request_too_large : protozero::exception {
  const char* what() const noexcept override { return request_too_large_text.data(); }
};

/// "" if they may be stored.
std::string metadata_refusal(const metadata_fields& m, const write_limits& limits) {
  if (m.family.empty())
    return "metadata without a metric name";
  for (const auto text : {m.family, m.unit, m.help}) {
    if (text.size() > limits.max_label_bytes)
      return "metadata are longer than " + std::to_string(limits.max_label_bytes) + " bytes";
    if (!is_valid_utf8(text))
      return "metadata are not valid UTF-8";
  }
  return {};
}

}  // namespace

uint64_t count_fields(std::string_view message, const field_pair& fields) {
  uint64_t n = 0;
  protozero::pbf_reader m(message.data(), message.size());
  while (m.next()) {
    n += std::find(fields.begin(), fields.end(), m.tag()) != fields.end() ? 1 : 0;
    m.skip();
  }
  return n;
}

void add_fresh_metadata(metadata_cache& known, const std::vector<metadata_cache::entry>& hashes,
                        const write_limits& limits,
                        const std::function<metadata_fields(size_t)>& at,
                        std::vector<std::shared_ptr<write_batch>>& batches, decoded_write& out) {
  std::vector<metadata_entry> fresh;
  for (const uint32_t i : known.unknown(hashes)) {
    const metadata_fields m = at(i);
    if (auto why = metadata_refusal(m, limits); !why.empty()) {
      out.refused_metadata.add([&] { return std::move(why); });
      continue;
    }
    fresh.push_back({std::string(m.family), {m.type, std::string(m.unit), std::string(m.help)}});
    out.metadata.push_back(hashes[i]);
  }
  if (fresh.empty())
    return;
  if (batches.empty())
    batches.push_back(std::make_shared<write_batch>());
  batches.front()->taken_over = limits.taken_over;
  batches.front()->metadata = std::move(fresh);
}

void throw_request_too_large() {
  throw request_too_large();
}

result<decoded_write> guarded(const std::function<decoded_write()>& read) {
  try {
    return read();
  } catch (const request_too_large& e) {
    return {errc::out_of_bounds, e.what()};
  } catch (const protozero::exception& e) {
    return {errc::invalid_argument, std::string("malformed remote-write request: ") + e.what()};
  }
}

}  // namespace troupe::remote
