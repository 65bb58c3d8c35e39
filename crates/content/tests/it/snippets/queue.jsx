import React from 'react';

// Shows one job.
export const JobRow = ({ job, onClaim }) => {
  const claimed = job.state === 'claimed';
  return <tr><td>{job.name}</td><td>{claimed ? 'yes' : 'no'}</td></tr>;
};

export default class Queue extends React.Component {
  state = { jobs: [] };

  claim(job) {
    this.setState({ jobs: this.state.jobs.filter(other => other !== job) });
  }

  render() {
    return <table>{this.state.jobs.map(job => <JobRow job={job} />)}</table>;
  }
}

function* pages(first) {
  for (let page = first; page; page = page.next) yield page.items;
}
