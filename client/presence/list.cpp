#include "client/presence/list.hpp"

#include <algorithm>
#include <boost/json/object.hpp>

#include "protocol/documents/multipart.hpp"
#include "protocol/sip/header_value.hpp"
#include "protocol/sip/uri.hpp"

namespace beckon::client::presence {

using documents::Part;
using documents::Rlmi;
using documents::RlmiInstance;

namespace {

using Members = std::map<std::string, List::Member>;

/// Empty: it is nobody's.
std::string canonical(const std::string& text) {
  const auto uri = sip::parse_uri(text);
  std::string aor = uri ? sip::canonical_aor(*uri) : std::string();
  return aor.find('@') == std::string::npos ? std::string() : aor;
}

std::optional<Rlmi> read_rlmi(const Part& root) {
  if (sip::media_type(root.content_type()) != documents::rlmi_type) return std::nullopt;
  const auto text = documents::content(root);
  auto rlmi = text ? documents::parse_rlmi(*text) : Result<Rlmi>(documents::Errc::bad_value);
  if (!rlmi) return std::nullopt;
  return std::move(*rlmi);
}

/// Content-IDs name parts of this level alone (RFC 4662 5.5).
const Part* find_part(const std::vector<Part>& parts, const std::string& cid) {
  const auto found = std::ranges::find_if(parts, [&](const Part& part) { return part.content_id() == cid; });
  return cid.empty() || found == parts.end() ? nullptr : &*found;
}

/// The depth is that of the parts, which their reader bounds.
void read_members(const std::vector<Part>& parts, const Rlmi& rlmi, Members& into) {
  for (const auto& resource : rlmi.resources) {
    List::Member member{.name = resource.names.empty() ? std::string() : resource.names.front().text,
                        .state = "unknown",
                        .reason = {}};
    const Part* part = nullptr;
    if (!resource.instances.empty()) {
      const RlmiInstance& instance = resource.instances.front();
      member.state = to_string(instance.state);
      member.reason = instance.reason;
      if (instance.state == RlmiInstance::State::active) part = find_part(parts, instance.cid);
    }
    if (part && !part->parts.empty()) {
      // A list in the list.
      documents::Multipart level;
      level.parts = part->parts;
      if (const auto inner = read_rlmi(root_of(level, part->content_type())))
        read_members(part->parts, *inner, into);
      continue;
    }
    if (part) {
      const auto text = documents::content(*part);
      if (text) member.document = *text;
    }
    if (std::string aor = canonical(resource.uri); !aor.empty() && into.size() < List::members_max)
      into[std::move(aor)] = std::move(member);
  }
}

}  // namespace

List::Taken List::take(std::string_view body, std::string_view content_type,
                       std::vector<std::string>& changed) {
  const auto multipart = documents::parse_multipart(body, content_type);
  if (!multipart) return Taken::unreadable;
  const auto rlmi = read_rlmi(root_of(*multipart, content_type));
  if (!rlmi) return Taken::unreadable;
  if (is_known_ && rlmi->version <= version_) return Taken::stale;
  const bool is_gap = !rlmi->is_full && (!is_known_ || rlmi->version != version_ + 1);
  is_known_ = true;
  version_ = rlmi->version;
  was_full_ = rlmi->is_full;
  Members news;
  read_members(multipart->parts, *rlmi, news);
  for (const auto& [aor, member] : news) {
    const auto known = members_.find(aor);
    if (member.document != (known == members_.end() ? std::string() : known->second.document))
      changed.push_back(aor);
  }
  if (rlmi->is_full) {
    for (const auto& [aor, member] : members_)
      if (!news.contains(aor) && !member.document.empty()) changed.push_back(aor);
    members_ = std::move(news);
    return Taken::yes;
  }
  for (auto& [aor, member] : news) {
    // A partial document need not repeat the name.
    Member& kept = members_[aor];
    if (member.name.empty()) member.name = kept.name;
    kept = std::move(member);
  }
  if (members_.size() <= members_max) return is_gap ? Taken::gap : Taken::yes;
  members_.clear();
  is_known_ = false;
  return Taken::gap;
}

boost::json::array List::json() const {
  boost::json::array out;
  for (const auto& [aor, member] : members_) {
    boost::json::object row{{"of", aor}, {"state", member.state}};
    if (!member.name.empty()) row["name"] = member.name;
    if (!member.reason.empty()) row["reason"] = member.reason;
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace beckon::client::presence
