type Props = { name: string; state: string; onClaim: (name: string) => void };

export const JobRow: React.FC<Props> = ({ name, state, onClaim }: Props) => (
  <tr onClick={() => onClaim(name)}><td>{name}</td><td>{state}</td></tr>
);

export function Table({ rows }: { rows: Props[] }) {
  return <table>{rows.map(row => <JobRow key={row.name} {...row} />)}</table>;
}
