#include "pipeline/replay/replay_state.h"

#include "storage/base/civil_time.h"
#include "storage/base/coding.h"
#include "storage/base/quote.h"

#include <utility>

namespace troupe::replay {
namespace {

constexpr uint8_t state_kind = 1;
constexpr std::string_view state_magic = "TRPS";
constexpr uint8_t state_version = 1;

status differs(std::string_view what, const std::string& kept, const std::string& now) {
  return {errc::invalid_argument, "it is the state of a replay with another " + std::string(what) +
                                      ": " + kept + ", not " + now};
}

std::string text_of(timestamp_ms t) {
  return t == min_time || t == max_time ? "none" : format_rfc3339(t);
}

std::string text_of(const std::vector<std::string>& selectors) {
  std::string out;
  for (const auto& s : selectors)
    out += (out.empty() ? "" : " ") + s;
  return out.empty() ? "none" : out;
}

std::string text_of(const std::map<std::string, std::string>& labels) {
  std::string out;
  for (const auto& [name, value] : labels)
    out += (out.empty() ? "" : ",") + name + "=" + quoted(value);
  return out.empty() ? "none" : out;
}

}  // namespace

std::string encode(const replay_state& state) {
  std::string out(state_magic);
  put_u8(out, state_version);
  put_bytes(out, state.of.topic);
  put_u64(out, static_cast<uint64_t>(state.of.window.from));
  put_u64(out, static_cast<uint64_t>(state.of.window.to));
  put_varint(out, state.of.match.size());
  for (const auto& m : state.of.match)
    put_bytes(out, m);
  put_varint(out, state.of.labels.size());
  for (const auto& [name, value] : state.of.labels) {
    put_bytes(out, name);
    put_bytes(out, value);
  }
  put_bytes(out, state.of.url);
  put_varint(out, state.at.size());
  for (const auto& [partition, place] : state.at) {
    put_varint(out, partition);
    put_varint(out, static_cast<uint64_t>(place.next));
    put_u8(out, place.finished ? 1 : 0);
  }
  return out;
}

result<replay_state> decode_state(std::string_view bytes) {
  byte_reader in(bytes);
  replay_state out;
  if (in.take(state_magic.size()) != state_magic || in.u8() != state_version)
    return {errc::corruption, "no state of a replay"};
  out.of.topic = in.bytes();
  out.of.window.from = static_cast<timestamp_ms>(in.u64());
  out.of.window.to = static_cast<timestamp_ms>(in.u64());
  for (uint64_t n = in.varint(); n > 0 && !in.failed(); --n)
    out.of.match.emplace_back(in.bytes());
  for (uint64_t n = in.varint(); n > 0 && !in.failed(); --n) {
    std::string name(in.bytes());
    out.of.labels[std::move(name)] = in.bytes();
  }
  out.of.url = in.bytes();
  for (uint64_t n = in.varint(); n > 0 && !in.failed(); --n) {
    auto& place = out.at[static_cast<uint32_t>(in.varint())];
    place.next = static_cast<int64_t>(in.varint());
    place.finished = in.u8() != 0;
    if (place.next < 0)
      in.fail();
  }
  if (in.failed() || !in.at_end())
    return {errc::corruption, "damaged"};
  return out;
}

status check_same(const replay_subject& kept, const replay_subject& now) {
  if (kept.topic != now.topic)
    return differs("topic", kept.topic, now.topic);
  if (kept.window.from != now.window.from)
    return differs("--from", text_of(kept.window.from), text_of(now.window.from));
  if (kept.window.to != now.window.to)
    return differs("--to", text_of(kept.window.to), text_of(now.window.to));
  if (kept.match != now.match)
    return differs("--match", text_of(kept.match), text_of(now.match));
  if (kept.labels != now.labels)
    return differs("--label", text_of(kept.labels), text_of(now.labels));
  if (kept.url != now.url)
    return differs("--to-url", kept.url, now.url);
  return {};
}

result<places> state_file::load(const replay_subject& of) {
  const auto bytes = read_file(fs_, file_.path());
  if (bytes.code() == errc::not_found)
    return places();
  if (!bytes.ok())
    return bytes.error();
  byte_reader in(*bytes);
  uint32_t crc = 0;
  const auto frame = take_chained_frame(in, crc);
  if (!frame || frame->kind != state_kind)
    return {errc::invalid_argument, file_.path() + ": no state of a replay, or damaged"};
  auto kept = decode_state(frame->content);
  if (!kept.ok())
    return {errc::invalid_argument, file_.path() + ": " + std::string(kept.error().message())};
  if (const auto s = check_same(kept->of, of); !s.ok())
    return s.with_context(file_.path());
  return std::move(kept->at);
}

status state_file::store(const replay_state& state) {
  return file_.replace(state_kind, encode(state));
}

}  // namespace troupe::replay
