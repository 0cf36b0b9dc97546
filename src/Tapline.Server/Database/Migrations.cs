// The store's schema as a list of steps. A step that has been published is never edited: the next change is another step.
// Columns are the data contract's names; IP addresses are text, because DuckDB's INET type is an extension that is not
// part of the library and may not be fetched (docs/formats/store.md).
namespace Tapline.Server.Database;

/// <summary>Schema steps; step N brings the store to version N (the first is 1).</summary>
internal static class Migrations
{
    public static IReadOnlyList<string> Steps { get; } = [First, Shaped];

    private const string First = """
        CREATE TABLE ingested_batch (
            batch_id VARCHAR PRIMARY KEY, node VARCHAR NOT NULL, worker INTEGER NOT NULL, sequence BIGINT NOT NULL,
            first TIMESTAMP_NS, last TIMESTAMP_NS, flows BIGINT NOT NULL, ledger_rows BIGINT NOT NULL,
            records_dropped BIGINT NOT NULL, ingested TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'));
        CREATE TABLE flow (
            node VARCHAR NOT NULL, flow_id UBIGINT NOT NULL, community_id VARCHAR, start TIMESTAMP_NS NOT NULL,
            "end" TIMESTAMP_NS NOT NULL, duration_ns BIGINT NOT NULL, part UTINYINT NOT NULL, point VARCHAR,
            points VARCHAR[], vlans USMALLINT[], tunnel VARCHAR, vni UINTEGER, outer_initiator_ip VARCHAR,
            outer_responder_ip VARCHAR, protocol VARCHAR NOT NULL, initiator_ip VARCHAR, initiator_mac VARCHAR,
            initiator_port USMALLINT, initiator_vm VARCHAR, responder_ip VARCHAR, responder_mac VARCHAR,
            responder_port USMALLINT, responder_vm VARCHAR, icmp_type UTINYINT, icmp_code UTINYINT,
            icmp_id USMALLINT, ethertype USMALLINT, dsap UTINYINT, ssap UTINYINT, initiator_frames BIGINT,
            initiator_segments BIGINT, initiator_bytes BIGINT, initiator_payload_bytes BIGINT,
            initiator_ttl UTINYINT, initiator_dscp UTINYINT, initiator_cut_frames UINTEGER,
            initiator_retransmissions UINTEGER, initiator_fast_retransmissions UINTEGER,
            initiator_spurious_retransmissions UINTEGER, initiator_resent_segments UINTEGER,
            initiator_out_of_order UINTEGER, initiator_duplicate_acks UINTEGER, initiator_zero_windows UINTEGER,
            initiator_zero_window_probes UINTEGER, initiator_window_fulls UINTEGER, initiator_lost_segments UINTEGER,
            initiator_unseen_acks UINTEGER, initiator_keep_alives UINTEGER, initiator_resets UINTEGER,
            initiator_syns UINTEGER, initiator_fins UINTEGER, initiator_mss_bytes USMALLINT, responder_frames BIGINT,
            responder_segments BIGINT, responder_bytes BIGINT, responder_payload_bytes BIGINT,
            responder_ttl UTINYINT, responder_dscp UTINYINT, responder_cut_frames UINTEGER,
            responder_retransmissions UINTEGER, responder_fast_retransmissions UINTEGER,
            responder_spurious_retransmissions UINTEGER, responder_resent_segments UINTEGER,
            responder_out_of_order UINTEGER, responder_duplicate_acks UINTEGER, responder_zero_windows UINTEGER,
            responder_zero_window_probes UINTEGER, responder_window_fulls UINTEGER, responder_lost_segments UINTEGER,
            responder_unseen_acks UINTEGER, responder_keep_alives UINTEGER, responder_resets UINTEGER,
            responder_syns UINTEGER, responder_fins UINTEGER, responder_mss_bytes USMALLINT, state VARCHAR,
            end_reason VARCHAR, initiator_basis VARCHAR, app VARCHAR, app_confidence VARCHAR,
            handshake_rtt_ns BIGINT, client_rtt_ns BIGINT, server_rtt_ns BIGINT, icmp_errors BIGINT,
            rtt_samples BIGINT, rtt_min_ns BIGINT, rtt_mean_ns BIGINT, rtt_max_ns BIGINT);
        CREATE TABLE ledger (
            node VARCHAR NOT NULL, time TIMESTAMP_NS NOT NULL, point VARCHAR NOT NULL, worker INTEGER NOT NULL,
            arrived BIGINT, dropped_ring BIGINT, captured BIGINT, captured_bytes BIGINT, segments BIGINT,
            analysed BIGINT, undecodable BIGINT, recorded BIGINT, dropped_recorder BIGINT,
            filtered_recorder BIGINT);
        CREATE TABLE mirror_ledger (
            node VARCHAR NOT NULL, time TIMESTAMP_NS NOT NULL, session VARCHAR NOT NULL, worker INTEGER NOT NULL,
            offered BIGINT, sent BIGINT, sent_wire_frames BIGINT, sent_bytes BIGINT, filtered BIGINT, sampled_out BIGINT,
            dropped_busy BIGINT, dropped_too_long BIGINT, dropped_target_down BIGINT, dropped_error BIGINT);
        CREATE TABLE point (
            node VARCHAR NOT NULL, point VARCHAR NOT NULL, kind VARCHAR NOT NULL, switch VARCHAR, vm VARCHAR,
            vm_id VARCHAR, first_seen TIMESTAMP_NS NOT NULL, last_seen TIMESTAMP_NS NOT NULL);
        """;

    private const string Shaped = """
        ALTER TABLE mirror_ledger ADD COLUMN dropped_rate_capped BIGINT DEFAULT 0;
        ALTER TABLE mirror_ledger ADD COLUMN dropped_shed BIGINT DEFAULT 0;
        ALTER TABLE mirror_ledger ADD COLUMN deduplicated BIGINT DEFAULT 0;
        ALTER TABLE mirror_ledger ADD COLUMN flow_ended BIGINT DEFAULT 0;
        ALTER TABLE mirror_ledger ADD COLUMN masked BIGINT DEFAULT 0;
        ALTER TABLE mirror_ledger ADD COLUMN forgotten BIGINT DEFAULT 0;
        """;
}
