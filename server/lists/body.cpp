#include "server/lists/body.hpp"

#include <algorithm>
#include <utility>

#include "protocol/documents/multipart.hpp"

namespace beckon::server::lists {

using documents::NewPart;
using documents::RlmiInstance;

namespace {

/// Octets besides texts: of an instance and its part's header lines, and of a resource.
constexpr std::size_t part_octets = 260;
constexpr std::size_t resource_octets = 32;

RlmiInstance::State state_of(subscription::Report::State state) {
  switch (state) {
    case subscription::Report::State::active:
      return RlmiInstance::State::active;
    case subscription::Report::State::pending:
      return RlmiInstance::State::pending;
    case subscription::Report::State::terminated:
      break;
  }
  return RlmiInstance::State::terminated;
}

std::size_t octets_of(const MemberState& member) {
  return part_octets + (member.content.body ? member.content.body->size() : 0);
}

/// COMPAT: liblinphone looks for Content-Id, spelled so.
NewPart make_part(const std::string& id, std::string type, std::string_view body) {
  return {{{"Content-Transfer-Encoding", "binary"},
           {"Content-Id", '<' + id + '>'},
           {"Content-Type", std::move(type)}},
          body};
}

}  // namespace

subscription::Content make_body(const BodyHead& head, std::span<MemberState* const> members,
                                const BodyRoom& room, Random& random) {
  // A list in the list has the same version, perhaps, and stands in the same message (RFC 2392 2).
  constexpr std::size_t unique_octets = 6;
  const std::string suffix = '.' + random.token(unique_octets) + '@' + head.domain;
  documents::Rlmi rlmi{
      .uri = head.uri, .version = head.version, .is_full = head.is_full, .names = head.names};
  std::vector<NewPart> parts;
  parts.push_back({});
  std::size_t octets = 0;
  if (head.is_full)
    for (const MemberState* member : members) {
      octets += resource_octets + member->uri.size();
      for (const auto& name : member->names) octets += resource_octets + name.text.size();
    }
  bool has_state = false;
  for (MemberState* const member : members) {
    const bool is_wanted = member->is_known && (head.is_full || member->is_due);
    const std::size_t more = octets_of(*member);
    const std::size_t most = has_state ? room.octets_max : std::max(room.octets_max, room.alone_max);
    const bool fits = is_wanted && octets + more <= most;
    const bool may_fit = more <= std::max(room.octets_max, room.alone_max);
    member->is_due = is_wanted && may_fit && !fits;
    if (!head.is_full && (!is_wanted || (may_fit && !fits))) continue;
    documents::RlmiResource resource{.uri = member->uri, .names = member->names};
    if (fits) {
      has_state = true;
      octets += more;
      RlmiInstance instance{
          .id = "1", .state = state_of(member->state), .reason = std::string(member->reason)};
      if (member->content.body) {
        instance.cid = std::to_string(parts.size()) + suffix;
        parts.push_back(make_part(instance.cid,
                                  std::string(member->content.type) + member->content.parameters,
                                  *member->content.body));
      }
      resource.instances.push_back(std::move(instance));
    }
    rlmi.resources.push_back(std::move(resource));
  }
  const std::string text = print(rlmi);
  const std::string root = '0' + suffix;
  parts.front() = make_part(root, std::string(documents::rlmi_type) + ";charset=\"UTF-8\"", text);
  const auto printed = print_multipart(parts, random);
  return {.type = list_body_type,
          .body = share(printed.body),
          .parameters = ";start=\"<" + root + ">\";boundary=" + printed.boundary};
}

}  // namespace beckon::server::lists
