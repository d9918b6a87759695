#pragma once

#include <string_view>

namespace beckon::documents::ns {

inline constexpr std::string_view pidf = "urn:ietf:params:xml:ns:pidf";                       // RFC 3863
inline constexpr std::string_view pidf_diff = "urn:ietf:params:xml:ns:pidf-diff";             // RFC 5262
inline constexpr std::string_view data_model = "urn:ietf:params:xml:ns:pidf:data-model";      // RFC 4479
inline constexpr std::string_view rpid = "urn:ietf:params:xml:ns:pidf:rpid";                  // RFC 4480
inline constexpr std::string_view timed_status = "urn:ietf:params:xml:ns:pidf:timed-status";  // RFC 4481
inline constexpr std::string_view caps = "urn:ietf:params:xml:ns:pidf:caps";                  // RFC 5196
inline constexpr std::string_view winfo = "urn:ietf:params:xml:ns:watcherinfo";               // RFC 3858
inline constexpr std::string_view reginfo = "urn:ietf:params:xml:ns:reginfo";                 // RFC 3680
inline constexpr std::string_view gruuinfo = "urn:ietf:params:xml:ns:gruuinfo";               // RFC 5628
inline constexpr std::string_view dialog_info = "urn:ietf:params:xml:ns:dialog-info";         // RFC 4235
inline constexpr std::string_view conference = "urn:ietf:params:xml:ns:conference-info";      // RFC 4575
inline constexpr std::string_view common_policy = "urn:ietf:params:xml:ns:common-policy";     // RFC 4745
inline constexpr std::string_view pres_rules = "urn:ietf:params:xml:ns:pres-rules";           // RFC 5025
inline constexpr std::string_view resource_lists = "urn:ietf:params:xml:ns:resource-lists";   // RFC 4826
inline constexpr std::string_view rls_services = "urn:ietf:params:xml:ns:rls-services";       // RFC 4826
inline constexpr std::string_view rlmi = "urn:ietf:params:xml:ns:rlmi";                       // RFC 4662
inline constexpr std::string_view imdn = "urn:ietf:params:xml:ns:imdn";                       // RFC 5438
inline constexpr std::string_view is_composing = "urn:ietf:params:xml:ns:im-iscomposing";     // RFC 3994
inline constexpr std::string_view direct = "urn:beckon:params:xml:ns:direct:1";  // DIRECT_SESSIONS 2
inline constexpr std::string_view rules = "urn:beckon:params:xml:ns:rules:1";    // conditions of our own
inline constexpr std::string_view watch_log = "urn:beckon:params:xml:ns:watch-log:1";

}  // namespace beckon::documents::ns
