CREATE ROLE "{{name}}" LOGIN INHERIT PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE assay_${service} ROLE assay_${service}_vault;
ALTER ROLE "{{name}}" SET role = 'assay_${service}';
