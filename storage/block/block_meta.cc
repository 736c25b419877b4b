#include "storage/block/block_meta.h"

#include "storage/base/hash.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace troupe::storage {
namespace {

constexpr std::string_view first_line = "troupe block ";
constexpr std::string_view version = "1";
constexpr std::string_view linked_version = "2";  // of blocks with linked chunks
constexpr std::string_view crc_key = "crc ";
constexpr std::string_view base32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr size_t id_length = 26;
constexpr std::string_view hex_digits = "0123456789abcdef";

bool is_plain(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
}

// Percent encoding, so that a tenant is one word of the text.
std::string escape(std::string_view s) {
  std::string out;
  for (const char c : s) {
    if (is_plain(c)) {
      out += c;
    } else {
      out += '%';
      out += hex_digits[static_cast<unsigned char>(c) >> 4];
      out += hex_digits[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

bool unescape(std::string_view s, std::string& out) {
  for (size_t i = 0; i < s.size(); ++i) {
    if (is_plain(s[i])) {
      out += s[i];
      continue;
    }
    unsigned code = 0;
    if (s[i] != '%' || s.size() - i < 3 ||
        std::from_chars(s.data() + i + 1, s.data() + i + 3, code, 16).ptr != s.data() + i + 3)
      return false;
    out += static_cast<char>(code);
    i += 2;
  }
  return true;
}

std::string crc_line(std::string_view text) {
  std::string out(crc_key);
  const uint32_t crc = crc32c(text);
  for (int shift = 28; shift >= 0; shift -= 4)
    out += hex_digits[crc >> shift & 15];
  return out + "\n";
}

// Takes `key value` lines off the front of a text.
class line_reader {
 public:
  explicit line_reader(std::string_view text) : rest_(text) {}

  bool failed() const { return failed_; }
  bool at_end() const { return rest_.empty(); }
  /// True if the next line has this key.
  bool next_is(std::string_view key) const {
    return rest_.size() > key.size() && rest_.starts_with(key) && rest_[key.size()] == ' ';
  }
  std::string_view value(std::string_view key) {
    const auto end = rest_.find('\n');
    if (!next_is(key) || end == std::string_view::npos) {
      failed_ = true;
      return {};
    }
    const auto out = rest_.substr(key.size() + 1, end - key.size() - 1);
    rest_.remove_prefix(end + 1);
    return out;
  }
  template <class T>
  void number(std::string_view key, T& out) {
    const auto text = value(key);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    failed_ = failed_ || error != std::errc() || end != text.data() + text.size();
  }
  void ids(std::string_view key, std::vector<std::string>& out) {
    while (next_is(key)) {
      out.emplace_back(value(key));
      failed_ = failed_ || !is_block_id(out.back());
    }
  }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace

std::string make_block_id(const clock& clk, random_source& random) {
  unsigned __int128 bits = static_cast<uint64_t>(clk.now_ms()) & 0xffff'ffff'ffffULL;
  bits = bits << 16 | (random.next() & 0xffff);
  bits = bits << 64 | random.next();
  std::string out(id_length, '0');
  for (size_t i = id_length; i-- > 0; bits >>= 5)
    out[i] = base32[static_cast<size_t>(bits & 31)];
  return out;
}

bool is_block_id(std::string_view name) {
  return name.size() == id_length && name.front() <= '7' &&
         name.find_first_not_of(base32) == std::string_view::npos;
}

std::string encode_meta(const block_meta& m) {
  std::string out(first_line);
  out += m.linked_chunks == 0 ? version : linked_version;
  out += '\n';
  const auto line = [&out](std::string_view key, std::string_view value) {
    out += key;
    out += ' ';
    out += value;
    out += '\n';
  };
  line("id", m.id);
  line("tenant", escape(m.tenant));
  line("min_time", std::to_string(m.min_time));
  line("max_time", std::to_string(m.max_time));
  line("series", std::to_string(m.series));
  line("chunks", std::to_string(m.chunks));
  line("samples", std::to_string(m.samples));
  line("histograms", std::to_string(m.histograms));
  if (m.linked_chunks != 0)
    line("linked_chunks", std::to_string(m.linked_chunks));
  line("chunk_bytes", std::to_string(m.chunk_bytes));
  line("index_bytes", std::to_string(m.index_bytes));
  line("level", std::to_string(m.level));
  for (const auto& id : m.sources)
    line("source", id);
  for (const auto& id : m.parents)
    line("parent", id);
  return out + crc_line(out);
}

result<block_meta> decode_meta(std::string_view text) {
  const size_t tail = crc_line({}).size();
  if (text.size() < tail || !text.starts_with(first_line) ||
      text.substr(text.size() - tail) != crc_line(text.substr(0, text.size() - tail)))
    return {errc::corruption, "meta: bad checksum"};
  line_reader in(text.substr(0, text.size() - tail));
  const auto found = in.value("troupe block");
  if (found != version && found != linked_version)
    return {errc::unsupported, "meta: written by a later version"};
  block_meta m;
  m.id = in.value("id");
  const bool tenant_ok = unescape(in.value("tenant"), m.tenant);
  in.number("min_time", m.min_time);
  in.number("max_time", m.max_time);
  in.number("series", m.series);
  in.number("chunks", m.chunks);
  in.number("samples", m.samples);
  in.number("histograms", m.histograms);
  if (found == linked_version)
    in.number("linked_chunks", m.linked_chunks);
  in.number("chunk_bytes", m.chunk_bytes);
  in.number("index_bytes", m.index_bytes);
  in.number("level", m.level);
  in.ids("source", m.sources);
  in.ids("parent", m.parents);
  if (in.failed() || !in.at_end() || !tenant_ok || !is_block_id(m.id) || m.min_time >= m.max_time)
    return {errc::corruption, "meta: a field does not hold"};
  return m;
}

uint32_t block_seed(std::string_view id) {
  return crc32c(id);
}

}  // namespace troupe::storage
