-- A store of revision 0010, as it was before the first release. The made-up API key “backend”: tsk_Ek3iw55wI5B708ruUJwEWbdi5AHZRq4x4UGaD2
CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$ BEGIN IF NEW.subject ~ '^erased:[0-9a-f]{32}$' AND OLD.subject !~ '^erased:[0-9a-f]{32}$' AND 
    NEW.address = 'erased' AND NEW.details IS NULL
    AND (NEW.fingerprint IS NOT DISTINCT FROM OLD.fingerprint
         OR NEW.fingerprint IS NULL AND OLD.kind IN ('asked', 'called', 'returned'))
 AND to_jsonb(NEW) - ARRAY['subject', 'address', 'details', 'fingerprint'] = to_jsonb(OLD) - ARRAY['subject', 'address', 'details', 'fingerprint'] THEN RETURN NEW; END IF; RAISE EXCEPTION 'events are appended, never changed'; END $_$;
CREATE TABLE public.accounts (
    username character varying(255) NOT NULL,
    password_hash character varying(255) NOT NULL,
    groups text NOT NULL
);
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.api_keys (
    name character varying(64) NOT NULL,
    key_hash character varying(64) NOT NULL,
    created_at bigint NOT NULL,
    profiles text
);
CREATE TABLE public.blocks (
    key character varying(800) NOT NULL,
    until bigint,
    at bigint NOT NULL
);
CREATE TABLE public.charges (
    id bigint NOT NULL,
    reservation_id character varying(32) NOT NULL,
    key character varying(64) NOT NULL,
    at bigint NOT NULL
);
CREATE SEQUENCE public.charges_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.charges_id_seq OWNED BY public.charges.id;
CREATE TABLE public.events (
    id bigint NOT NULL,
    at bigint NOT NULL,
    kind character varying(16) NOT NULL,
    reservation_id character varying(32),
    lease_id character varying(32) NOT NULL,
    request_id character varying(64) NOT NULL,
    principal_kind character varying(16) NOT NULL,
    issuer character varying(255) NOT NULL,
    subject character varying(255) NOT NULL,
    address character varying(64) NOT NULL,
    profile character varying(64) NOT NULL,
    model character varying(128),
    renewal integer,
    seconds integer,
    fingerprint character varying(64),
    expires_at bigint,
    code character varying(64),
    details text
);
CREATE SEQUENCE public.events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.events_id_seq OWNED BY public.events.id;
CREATE TABLE public.leases (
    id character varying(32) NOT NULL,
    holder character varying(64) NOT NULL,
    token_id character varying(32) NOT NULL,
    token_end bigint NOT NULL,
    charged_until bigint NOT NULL,
    granted_at bigint NOT NULL,
    handle character varying(64),
    drawn_until bigint NOT NULL,
    fresh_at bigint NOT NULL,
    deadline bigint NOT NULL,
    context text
);
CREATE TABLE public.logins (
    cookie_hash character varying(64) NOT NULL,
    login_id character varying(32) NOT NULL,
    username character varying(255) NOT NULL,
    expires_at bigint NOT NULL,
    ends_at bigint NOT NULL,
    replaced_at bigint
);
CREATE TABLE public.probes (
    content bytea NOT NULL
);
CREATE TABLE public.refusals (
    id bigint NOT NULL,
    minute bigint NOT NULL,
    code character varying(64) NOT NULL,
    issuer character varying(255) NOT NULL,
    subject character varying(255) NOT NULL,
    address character varying(64) NOT NULL,
    profile character varying(64) NOT NULL,
    count integer NOT NULL
);
CREATE SEQUENCE public.refusals_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.refusals_id_seq OWNED BY public.refusals.id;
CREATE TABLE public.spending (
    key character varying(64) NOT NULL,
    day integer NOT NULL,
    seconds bigint NOT NULL
);
CREATE TABLE public.tokens (
    id character varying(32) NOT NULL,
    lease_id character varying(32) NOT NULL,
    expires_at bigint NOT NULL,
    place_of character varying(64),
    counted_for character varying(64),
    counted_until bigint NOT NULL,
    opens_until bigint,
    undo text
);
CREATE TABLE public.tool_calls (
    id character varying(64) NOT NULL,
    lease_id character varying(32) NOT NULL,
    tool character varying(64) NOT NULL,
    key character varying(64),
    at bigint NOT NULL,
    ends_by bigint NOT NULL,
    cancelled integer NOT NULL,
    pending character varying(64),
    prepared text,
    answer text,
    deadline bigint NOT NULL
);
CREATE TABLE public.usage (
    lease_id character varying(32) NOT NULL,
    started_at bigint NOT NULL,
    issuer character varying(255) NOT NULL,
    subject character varying(255) NOT NULL,
    profile character varying(64) NOT NULL,
    model character varying(128) NOT NULL,
    seconds integer NOT NULL,
    tokens text NOT NULL,
    ended character varying(32),
    rating character varying(8)
);
ALTER TABLE ONLY public.charges ALTER COLUMN id SET DEFAULT nextval('public.charges_id_seq'::regclass);
ALTER TABLE ONLY public.events ALTER COLUMN id SET DEFAULT nextval('public.events_id_seq'::regclass);
ALTER TABLE ONLY public.refusals ALTER COLUMN id SET DEFAULT nextval('public.refusals_id_seq'::regclass);
INSERT INTO public.accounts VALUES ('ada', 'scrypt:32768:8:1$jbmSjJbjhtJ6o7Sr$2ef6ec749c7fc798691cf070ccfcf285d6dcecd2594d859e02b283dfbbcb27cfa3dd18210d09de67a8223cc68375d9701016c19b408ff6cd4a39e0aa754abdf4', '');
INSERT INTO public.alembic_version VALUES ('0010');
INSERT INTO public.api_keys VALUES ('backend', '7a3be302df6c00401a8d59ebe11a4db39e267d6cbc4368eb4bd84dc14310c714', 1795840982810116, 'default orders');
INSERT INTO public.blocks VALUES ('["profile", "closed"]', NULL, 1795840983970766);
INSERT INTO public.charges VALUES (1, '4ba45dda9b13b36f632f75fd8a48d8e8', 'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', 1795840984072169);
INSERT INTO public.charges VALUES (2, '45d3f8dc21c985c11aea1782483ade79', 'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', 1795840984101601);
INSERT INTO public.charges VALUES (3, '665bd51e586e3e6a0cd4eb6a1faf73e9', 'fdf6e30daf934dfb28eb798a1a4978021d8f6dfa597629ac6d5710b6405e8d7f', 1795840984107348);
INSERT INTO public.charges VALUES (4, '87159020cc3a9963871a6e4b04845b51', '5ee35a536fc454940decc21d0921d01af8c0b7b8012b3190b53cfdcf38bc86b4', 1795840984126625);
INSERT INTO public.charges VALUES (6, '94ffcf67a53a13b5137b27bcd270f0bb', '05c6b65b3f961c23ad1d2750b5126cf7bacef04d4be8408f57fde73b4b3dda39', 1795840984173125);
INSERT INTO public.charges VALUES (7, 'b4152dca174ac954fd99f23e9b45d5cc', '580c247bec97c53afa309a6840f0afe0976a9c816f439ad82176a010b0734870', 1795840984179295);
INSERT INTO public.events VALUES (1, 1795840984072169, 'reserved', '4ba45dda9b13b36f632f75fd8a48d8e8', 'c0e8dd59e83ccd936923152201a6f146', '9fb40784aa01dae76666b5f7653e1ce3', 'guest', 'guest', 'EV96sdCjvkyTred00k7S1Q', '127.0.0.1', 'default', 'models/gemini-3.8-live', 0, 300, NULL, NULL, NULL, NULL);
INSERT INTO public.events VALUES (2, 1795840984098027, 'granted', '4ba45dda9b13b36f632f75fd8a48d8e8', 'c0e8dd59e83ccd936923152201a6f146', '9fb40784aa01dae76666b5f7653e1ce3', 'guest', 'guest', 'EV96sdCjvkyTred00k7S1Q', '127.0.0.1', 'default', 'models/gemini-3.8-live', 0, 300, '4dd034f22d2f7d3b12eb5d2c7a8e914a01dd00f0953ce35d4420579a5fdf5fcb', 1795841284000000, NULL, NULL);
INSERT INTO public.events VALUES (3, 1795840984101601, 'reserved', '45d3f8dc21c985c11aea1782483ade79', 'a2c114632fab8023865c07e972881ef2', 'cc0221030165791887eb99c1f6215a06', 'guest', 'guest', 'RijxDM8zgqpWbwCxN4yMAw', '127.0.0.1', 'default', 'models/gemini-3.8-live', 0, 300, NULL, NULL, NULL, NULL);
INSERT INTO public.events VALUES (4, 1795840984103663, 'granted', '45d3f8dc21c985c11aea1782483ade79', 'a2c114632fab8023865c07e972881ef2', 'cc0221030165791887eb99c1f6215a06', 'guest', 'guest', 'RijxDM8zgqpWbwCxN4yMAw', '127.0.0.1', 'default', 'models/gemini-3.8-live', 0, 300, '699d37edb2b3af57ede37116ba9764f4d797dbfdcf4c2b83e1bcc9a2598eb497', 1795841284000000, NULL, NULL);
INSERT INTO public.events VALUES (5, 1795840984107348, 'reserved', '665bd51e586e3e6a0cd4eb6a1faf73e9', 'fa8dc5111440c486b499eceac6675733', 'bbdb8aeef1730d5a75be7758f0ccddfe', 'user', 'https://shop.test/', 'ada', '127.0.0.1', 'default', 'models/gemini-3.8-live', 0, 300, NULL, NULL, NULL, NULL);
INSERT INTO public.events VALUES (6, 1795840984121986, 'granted', '665bd51e586e3e6a0cd4eb6a1faf73e9', 'fa8dc5111440c486b499eceac6675733', 'bbdb8aeef1730d5a75be7758f0ccddfe', 'user', 'https://shop.test/', 'ada', '127.0.0.1', 'default', 'models/gemini-3.8-live', 0, 300, '62ab99084dd932409018b1d9550d44ea548763f5c4c5b66807da3c2d3078bb4f', 1795841284000000, NULL, NULL);
INSERT INTO public.events VALUES (7, 1795840984126625, 'reserved', '87159020cc3a9963871a6e4b04845b51', 'fa8dc5111440c486b499eceac6675733', '8a10f37db807df1f3d6c66a902f67bdc', 'user', 'https://shop.test/', 'ada', '127.0.0.1', 'default', 'models/gemini-3.8-live', 1, 1, NULL, NULL, NULL, NULL);
INSERT INTO public.events VALUES (8, 1795840984130570, 'granted', '87159020cc3a9963871a6e4b04845b51', 'fa8dc5111440c486b499eceac6675733', '8a10f37db807df1f3d6c66a902f67bdc', 'user', 'https://shop.test/', 'ada', '127.0.0.1', 'default', 'models/gemini-3.8-live', 1, 1, '37560600e77139abdaaf24c9471350ada3bfecb3290e3b8592242e00261619f0', 1795841284000000, NULL, NULL);
INSERT INTO public.events VALUES (9, 1795840984137726, 'called', 'eaa0beba51a3cd6b4a4966081491c216', 'fa8dc5111440c486b499eceac6675733', '5ed95da4d76f53701b5bc255a1f2984d', 'user', 'https://shop.test/', 'ada', '127.0.0.1', 'default', NULL, NULL, NULL, 'e6eac0c2cec5969dd6a938aa1a8675686933a82c6eccda26dfbe259b6994f46d', NULL, 'find_order', '{"number":"17"}');
INSERT INTO public.events VALUES (10, 1795840984143262, 'returned', 'eaa0beba51a3cd6b4a4966081491c216', 'fa8dc5111440c486b499eceac6675733', '5ed95da4d76f53701b5bc255a1f2984d', 'user', 'https://shop.test/', 'ada', '127.0.0.1', 'default', NULL, NULL, NULL, 'e6eac0c2cec5969dd6a938aa1a8675686933a82c6eccda26dfbe259b6994f46d', NULL, 'done', NULL);
INSERT INTO public.events VALUES (14, 1795840984173125, 'reserved', '94ffcf67a53a13b5137b27bcd270f0bb', '989f518247693304e60b28fa1a2cae91', '4873c3c1ec2f02b4f0af9fb7207a55f7', 'key', 'key:backend', 'backend', '127.0.0.1', 'orders', 'models/gemini-3.8-live', 0, 300, NULL, NULL, NULL, NULL);
INSERT INTO public.events VALUES (15, 1795840984176628, 'granted', '94ffcf67a53a13b5137b27bcd270f0bb', '989f518247693304e60b28fa1a2cae91', '4873c3c1ec2f02b4f0af9fb7207a55f7', 'key', 'key:backend', 'backend', '127.0.0.1', 'orders', 'models/gemini-3.8-live', 0, 300, 'fc66ec7c82444f3a2b5aa2b30076230fdf850e89cef35692e4c71682ea0dfd0c', 1795841284000000, NULL, NULL);
INSERT INTO public.events VALUES (16, 1795840985219030, 'erased', NULL, '', '', 'user', 'https://shop.test/', 'erased:b1fc8dcb76608ddb31a8e97759523e8a', 'erased', '', NULL, NULL, NULL, NULL, NULL, NULL, '{"events": 3, "conversations": 0, "days of spending": 1, "reports of usage": 1, "counts of refusals": 0, "accounts": 0}');
INSERT INTO public.events VALUES (12, 1795840984153273, 'granted', 'f2041fbc93258b46d5a8341d845c20d6', '515db240b334145987eb0d41935d2e28', '92b60bc0475ed50d5ad1287b61e09faf', 'user', 'https://shop.test/', 'erased:b1fc8dcb76608ddb31a8e97759523e8a', 'erased', 'default', 'models/gemini-3.8-live', 0, 300, 'c5cd72ca16ffb014f011a15c84bebb202d62a251c2661c45b8fcd37e4e1a1e09', 1795841284000000, NULL, NULL);
INSERT INTO public.events VALUES (11, 1795840984151213, 'reserved', 'f2041fbc93258b46d5a8341d845c20d6', '515db240b334145987eb0d41935d2e28', '92b60bc0475ed50d5ad1287b61e09faf', 'user', 'https://shop.test/', 'erased:b1fc8dcb76608ddb31a8e97759523e8a', 'erased', 'default', 'models/gemini-3.8-live', 0, 300, NULL, NULL, NULL, NULL);
INSERT INTO public.events VALUES (13, 1795840984156408, 'ended', NULL, '515db240b334145987eb0d41935d2e28', '41e7fc04d0ff4ed9c85e310b6f98539f', 'user', 'https://shop.test/', 'erased:b1fc8dcb76608ddb31a8e97759523e8a', 'erased', 'default', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.leases VALUES ('c0e8dd59e83ccd936923152201a6f146', 'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', '4ba45dda9b13b36f632f75fd8a48d8e8', 1795841284072169, 1795841284072169, 1795840984072169, NULL, 1795840984072169, 1795840994072169, 1795842784071705, NULL);
INSERT INTO public.leases VALUES ('a2c114632fab8023865c07e972881ef2', 'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', '45d3f8dc21c985c11aea1782483ade79', 1795841284101601, 1795841284101601, 1795840984101601, NULL, 1795840984101601, 1795840994101601, 1795842784101422, NULL);
INSERT INTO public.leases VALUES ('fa8dc5111440c486b499eceac6675733', 'fdf6e30daf934dfb28eb798a1a4978021d8f6dfa597629ac6d5710b6405e8d7f', '87159020cc3a9963871a6e4b04845b51', 1795841284126625, 1795841285107348, 1795840984126625, '5a3cc72ce59a1b7eaaac7054a8a2d7592869e4b65ae2d491fc369f863604cb15', 1795841284107348, 1795840994107348, 1795842784106962, NULL);
INSERT INTO public.leases VALUES ('989f518247693304e60b28fa1a2cae91', '05c6b65b3f961c23ad1d2750b5126cf7bacef04d4be8408f57fde73b4b3dda39', '94ffcf67a53a13b5137b27bcd270f0bb', 1795841284173125, 1795841284173125, 1795840984173125, NULL, 1795840984173125, 1795840994173125, 1795842784172930, '{"order": "17"}');
INSERT INTO public.logins VALUES ('b1fd9e632d5c447464c28452a39e15b18ec09d40be2eef37b84c2135bd6893d6', 'd0b61835e27e4b559d32aee55ee5329c', 'ada', 1796445784267398, 1798432984267398, NULL);
INSERT INTO public.probes VALUES ('\x00');
INSERT INTO public.refusals VALUES (1, 1795840980000000, 'blocked', 'guest', 'k0IXms9nBUOBr6PNVX6VIA', '127.0.0.1', 'closed', 1);
INSERT INTO public.spending VALUES ('e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', 20785, 600);
INSERT INTO public.spending VALUES ('fdf6e30daf934dfb28eb798a1a4978021d8f6dfa597629ac6d5710b6405e8d7f', 20785, 301);
INSERT INTO public.spending VALUES ('05c6b65b3f961c23ad1d2750b5126cf7bacef04d4be8408f57fde73b4b3dda39', 20785, 300);
INSERT INTO public.spending VALUES ('erased:b1fc8dcb76608ddb31a8e97759523e8a', 20785, 300);
INSERT INTO public.tokens VALUES ('4ba45dda9b13b36f632f75fd8a48d8e8', 'c0e8dd59e83ccd936923152201a6f146', 1795841284072169, 'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', 'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', 1795841284072169, NULL, NULL);
INSERT INTO public.tokens VALUES ('45d3f8dc21c985c11aea1782483ade79', 'a2c114632fab8023865c07e972881ef2', 1795841284101601, 'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', 'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', 1795841284101601, NULL, NULL);
INSERT INTO public.tokens VALUES ('665bd51e586e3e6a0cd4eb6a1faf73e9', 'fa8dc5111440c486b499eceac6675733', 1795841284107348, NULL, NULL, 1795841284107348, NULL, NULL);
INSERT INTO public.tokens VALUES ('87159020cc3a9963871a6e4b04845b51', 'fa8dc5111440c486b499eceac6675733', 1795841284126625, 'fdf6e30daf934dfb28eb798a1a4978021d8f6dfa597629ac6d5710b6405e8d7f', 'fdf6e30daf934dfb28eb798a1a4978021d8f6dfa597629ac6d5710b6405e8d7f', 1795841285107348, NULL, NULL);
INSERT INTO public.tokens VALUES ('94ffcf67a53a13b5137b27bcd270f0bb', '989f518247693304e60b28fa1a2cae91', 1795841284173125, '05c6b65b3f961c23ad1d2750b5126cf7bacef04d4be8408f57fde73b4b3dda39', '05c6b65b3f961c23ad1d2750b5126cf7bacef04d4be8408f57fde73b4b3dda39', 1795841284173125, NULL, NULL);
INSERT INTO public.tokens VALUES ('f2041fbc93258b46d5a8341d845c20d6', '515db240b334145987eb0d41935d2e28', 1795841284151213, NULL, NULL, 1795841284151213, NULL, NULL);
INSERT INTO public.tool_calls VALUES ('eaa0beba51a3cd6b4a4966081491c2164543cb4ec78cda012e7f634302e3ca09', 'fa8dc5111440c486b499eceac6675733', 'find_order', NULL, 1795840984137726, 1795840994137726, 0, NULL, NULL, '{"output": {"number": "17", "state": "on its way"}}', 1795842784000000);
INSERT INTO public.usage VALUES ('fa8dc5111440c486b499eceac6675733', 1795840984000000, 'https://shop.test/', 'ada', 'default', 'models/gemini-3.8-live', 20, '{"prompt.AUDIO": 700, "response.AUDIO": 500}', 'idle', NULL);
INSERT INTO public.usage VALUES ('515db240b334145987eb0d41935d2e28', 1795840984000000, 'https://shop.test/', 'erased:b1fc8dcb76608ddb31a8e97759523e8a', 'default', 'models/gemini-3.8-live', 20, '{"prompt.AUDIO": 700, "response.AUDIO": 500}', 'idle', 'good');
SELECT pg_catalog.setval('public.charges_id_seq', 9, true);
SELECT pg_catalog.setval('public.events_id_seq', 16, true);
SELECT pg_catalog.setval('public.refusals_id_seq', 1, true);
ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (username);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.blocks
    ADD CONSTRAINT blocks_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.charges
    ADD CONSTRAINT charges_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.logins
    ADD CONSTRAINT logins_pkey PRIMARY KEY (cookie_hash);
ALTER TABLE ONLY public.refusals
    ADD CONSTRAINT refusals_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.spending
    ADD CONSTRAINT spending_pkey PRIMARY KEY (key, day);
ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.tool_calls
    ADD CONSTRAINT tool_calls_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.usage
    ADD CONSTRAINT usage_pkey PRIMARY KEY (lease_id);
CREATE INDEX charges_by_key ON public.charges USING btree (key, at);
CREATE INDEX charges_by_time ON public.charges USING btree (at);
CREATE INDEX events_by_subject ON public.events USING btree (issuer, subject, at);
CREATE INDEX events_by_time ON public.events USING btree (at);
CREATE INDEX leases_by_deadline ON public.leases USING btree (deadline);
CREATE INDEX logins_by_expiry ON public.logins USING btree (expires_at);
CREATE INDEX logins_by_login ON public.logins USING btree (login_id);
CREATE INDEX logins_by_username ON public.logins USING btree (username);
CREATE INDEX refusals_by_time ON public.refusals USING btree (minute);
CREATE INDEX tokens_by_holder ON public.tokens USING btree (counted_for, counted_until);
CREATE INDEX tokens_by_lease ON public.tokens USING btree (lease_id, expires_at);
CREATE INDEX tokens_by_opening ON public.tokens USING btree (opens_until) WHERE (opens_until IS NOT NULL);
CREATE INDEX tokens_by_time ON public.tokens USING btree (expires_at);
CREATE INDEX tool_calls_by_deadline ON public.tool_calls USING btree (deadline);
CREATE INDEX tool_calls_by_lease ON public.tool_calls USING btree (lease_id, tool, at);
CREATE INDEX usage_by_start ON public.usage USING btree (started_at);
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON public.events FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
