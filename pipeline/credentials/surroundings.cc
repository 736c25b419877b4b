#include "pipeline/credentials/surroundings.h"

#include "storage/base/file_system.h"

namespace troupe::credentials {
namespace {

constexpr uint64_t most_bytes = 1 << 20;

}  // namespace

result<std::string> surroundings::read(const std::string& path) const {
  constexpr const char* space = " \t\r\n";
  TROUPE_ASSIGN(const auto text, read_file(*files, path, most_bytes));
  const auto from = text.find_first_not_of(space);
  return from == text.npos ? std::string()
                           : text.substr(from, text.find_last_not_of(space) - from + 1);
}

}  // namespace troupe::credentials
