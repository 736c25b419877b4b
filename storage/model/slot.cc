#include "storage/model/slot.h"

#include "storage/base/hash.h"

#include <array>
#include <cstring>
#include <string>

namespace troupe {

uint16_t slot_of(std::string_view tenant, const labels& series) {
  static constexpr char separator = '\xff';
  const auto job = series.get("job"), instance = series.get("instance");
  const bool by_target = !job.empty() && !instance.empty();
  const std::string whole = by_target ? std::string() : series.blob();
  const std::array<std::string_view, 2> rest =
      by_target ? std::array{job, instance}
                : std::array{std::string_view(whole), std::string_view()};
  const size_t size =
      tenant.size() + 1 + (by_target ? job.size() + instance.size() + 2 : rest[0].size());
  std::array<char, 512> small;
  std::string large;
  char* data = small.data();
  if (size > small.size()) {
    large.resize(size);
    data = large.data();
  }
  char* p = data;
  const auto put = [&](std::string_view text) {
    if (!text.empty())
      std::memcpy(p, text.data(), text.size());
    p += text.size();
  };
  put(tenant);
  *p++ = separator;
  put(rest[0]);
  if (by_target) {
    *p++ = separator;
    put(rest[1]);
    *p++ = separator;
  }
  return static_cast<uint16_t>(xxh3({data, size}, slot_hash_seed) % slot_count);
}

}  // namespace troupe
