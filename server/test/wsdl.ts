/** A service with one operation, `GetInvoice`, of which it takes the number and the lines. */
export const invoicesWsdl = (url: string, style: 'document' | 'rpc' = 'document') => `<?xml version="1.0"?>
<wsdl:definitions name="Invoices" targetNamespace="urn:invoices" xmlns:tns="urn:invoices" xmlns:xs="http://www.w3.org/2001/XMLSchema"
    xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/">
  <wsdl:types><xs:schema targetNamespace="urn:invoices" elementFormDefault="qualified">
    <xs:element name="GetInvoiceRequest"><xs:complexType><xs:sequence>
      <xs:element name="number" type="xs:string"/><xs:element name="line" type="xs:string" maxOccurs="unbounded" minOccurs="0"/>
    </xs:sequence></xs:complexType></xs:element>
    <xs:element name="GetInvoiceResponse"><xs:complexType><xs:sequence>
      <xs:element name="amount" type="xs:string"/><xs:element name="echo" type="xs:string" maxOccurs="unbounded" minOccurs="0"/>
    </xs:sequence></xs:complexType></xs:element>
  </xs:schema></wsdl:types>
  <wsdl:message name="In"><wsdl:part name="parameters" ${style === 'document' ? 'element="tns:GetInvoiceRequest"' : 'type="xs:string"'}/></wsdl:message>
  <wsdl:message name="Out"><wsdl:part name="parameters" ${style === 'document' ? 'element="tns:GetInvoiceResponse"' : 'type="xs:string"'}/></wsdl:message>
  <wsdl:portType name="Port"><wsdl:operation name="GetInvoice"><wsdl:input message="tns:In"/><wsdl:output message="tns:Out"/></wsdl:operation></wsdl:portType>
  <wsdl:binding name="Binding" type="tns:Port"><soap:binding style="${style}" transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="GetInvoice"><soap:operation soapAction="urn:invoices#GetInvoice"/>
      <wsdl:input><soap:body use="literal" namespace="urn:invoices"/></wsdl:input><wsdl:output><soap:body use="literal" namespace="urn:invoices"/></wsdl:output></wsdl:operation>
  </wsdl:binding>
  <wsdl:service name="Service"><wsdl:port name="Port" binding="tns:Binding"><soap:address location="${url}"/></wsdl:port></wsdl:service>
</wsdl:definitions>`
