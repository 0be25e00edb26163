CREATE ROLE assay_${service} NOLOGIN;
CREATE ROLE assay_${service}_vault LOGIN CREATEROLE PASSWORD '${password}';
GRANT assay_${service} TO assay_${service}_vault WITH ADMIN OPTION;
CREATE DATABASE assay_${service} OWNER assay_${service};
REVOKE CONNECT ON DATABASE assay_${service} FROM PUBLIC;
GRANT CONNECT ON DATABASE assay_${service} TO assay_${service};
