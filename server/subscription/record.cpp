#include "server/subscription/record.hpp"

namespace beckon::server::subscription {

namespace {

/// Bits of the last number.
constexpr std::uint64_t quenched = 1, with_list = 2;

}  // namespace

std::string Record::print(Time ends, const store::TimeScale& scale) const {
  store::RecordWriter writer;
  writer.text(package).text(watcher).text(event_id + selection).text(body_type).text(display_name);
  writer.time(since, scale).lifetime(lifetime.granted, ends, scale);
  auto kept = hop;
  if (!had_flow) kept.flow = 0;
  writer.hop(kept);
  writer.text(dialog.id.call_id).text(dialog.id.remote_tag).text(dialog.local_uri).text(dialog.remote_uri);
  writer.text(dialog.remote_target).flag(dialog.secure);
  writer.number(dialog.reserved_cseq).number(dialog.remote_cseq.value_or(0));
  writer.number(dialog.route_set.size());
  for (const std::string& route : dialog.route_set) writer.text(route);
  writer.number(rates.max).number(rates.min).number(rates.adaptive_min);
  writer.number((is_quenched ? quenched : 0) | (list.empty() ? 0 : with_list));
  if (!list.empty()) writer.text(list);
  return std::move(writer).finish();
}

std::optional<Record> parse_record(std::string_view local_tag, std::string_view value, Time now,
                                   const store::TimeScale& scale, Duration grace) {
  store::RecordReader reader(value);
  Record record;
  record.package = reader.text();
  record.watcher = reader.text();
  const std::string_view event = reader.text();
  record.event_id = event.substr(0, event.find(';'));
  record.selection = event.substr(record.event_id.size());
  record.body_type = reader.text();
  record.display_name = reader.text();
  record.since = reader.time(now, scale);
  record.lifetime = reader.lifetime(now, scale, grace);
  const auto kept = reader.hop();
  record.hop = kept.hop;
  record.had_flow = kept.had_flow;
  dialog::Dialog& dialog = record.dialog;
  dialog.id.call_id = reader.text();
  dialog.id.local_tag = local_tag;
  dialog.id.remote_tag = reader.text();
  dialog.local_uri = reader.text();
  dialog.remote_uri = reader.text();
  dialog.remote_target = reader.text();
  dialog.secure = reader.flag();
  dialog.reserved_cseq = dialog.local_cseq = reader.number_as<std::uint32_t>();
  dialog.remote_cseq = reader.number_as<std::uint32_t>();
  for (auto routes = reader.number(); routes != 0 && reader.ok(); --routes) {
    dialog.route_set.emplace_back(reader.text());
    if (!sip::parse_name_addr(dialog.route_set.back())) return std::nullopt;
  }
  record.rates = {reader.number(), reader.number(), reader.number()};
  const std::uint64_t last = reader.number();
  record.is_quenched = (last & quenched) != 0;
  if ((last & with_list) != 0) {
    record.list = reader.text();
    if (record.list.empty()) return std::nullopt;
  }
  if (!reader.ok() || record.package.empty() || record.watcher.empty() || local_tag.empty())
    return std::nullopt;
  return record;
}

}  // namespace beckon::server::subscription
