#include "pipeline/aggregate/journal.h"

#include <utility>

namespace troupe::aggregate {
namespace {

enum frame_kind : uint8_t { whole = 1, decided = 2 };

constexpr uint64_t most_bytes = 4ULL << 30;

status malformed() {
  return {errc::corruption, "malformed state of stream aggregation"};
}

result<snapshot> decode_snapshot(std::string_view bytes) {
  byte_reader in(bytes);
  TROUPE_ASSIGN(auto at, send::decode_cursor(in.bytes()));
  if (at.stretches.size() != 1 || at.stretches.front().end)
    return malformed();
  snapshot out{std::move(at.stretches.front()), {}};
  for (uint64_t left = in.varint(); left > 0 && !in.failed(); --left) {
    const uint64_t rule = in.u64();
    out.rules.push_back({rule, std::string(in.bytes())});
  }
  if (in.failed() || !in.at_end())
    return malformed();
  return out;
}

result<decision> decode_decision(std::string_view bytes) {
  byte_reader in(bytes);
  decision out;
  TROUPE_ASSIGN(out.read, send::decode_advances(in.bytes()));
  for (const auto& a : out.read)
    if (a.stretch != 0)
      return malformed();
  for (uint64_t left = in.varint(); left > 0 && !in.failed(); --left) {
    const uint64_t rule = in.u64();
    out.closed.push_back({rule, in.svarint()});
  }
  if (in.failed() || !in.at_end())
    return malformed();
  return out;
}

}  // namespace

std::string encode(const snapshot& s) {
  std::string out;
  put_bytes(out, send::encode(send::cursor{{s.at}}));
  put_varint(out, s.rules.size());
  for (const auto& r : s.rules) {
    put_u64(out, r.rule);
    put_bytes(out, r.bytes);
  }
  return out;
}

std::string encode(const decision& d) {
  std::string out;
  put_bytes(out, send::encode(d.read));
  put_varint(out, d.closed.size());
  for (const auto& c : d.closed) {
    put_u64(out, c.rule);
    put_svarint(out, c.up_to);
  }
  return out;
}

result<journal_contents> read_journal(std::string_view bytes) {
  byte_reader in(bytes);
  uint32_t crc = 0;
  auto frame = take_chained_frame(in, crc);
  if (!frame || frame->kind != whole)
    return {errc::corruption, "its first frame is damaged"};
  journal_contents out;
  TROUPE_ASSIGN(out.base, decode_snapshot(frame->content));
  while ((frame = take_chained_frame(in, crc))) {
    if (frame->kind != decided)
      continue;
    auto d = decode_decision(frame->content);
    if (!d.ok())
      break;
    out.since.push_back(std::move(*d));
  }
  return out;
}

result<std::optional<journal_contents>> journal::load() {
  auto bytes = read_file(fs_, file_.path(), most_bytes);
  if (bytes.code() == errc::not_found)
    return std::optional<journal_contents>();
  if (!bytes.ok())
    return bytes.error();
  auto read = read_journal(*bytes);
  if (!read.ok())
    return read.error().with_context(file_.path());
  return std::optional<journal_contents>(std::move(*read));
}

status journal::store(const snapshot& now) {
  TROUPE_TRY(file_.replace(whole, encode(now)));
  snapshot_bytes_ = file_.size();
  return {};
}

status journal::append(const decision& d) {
  TROUPE_TRY(file_.append(decided, encode(d)));
  return file_.sync();
}

}  // namespace troupe::aggregate
