require "set"

module Warm
  LIMIT = 3
  limit = 4

  # Keeps jobs.
  class Queue < Base::Store
    include Comparable
    attr_reader :size, :name
    attr_accessor :jobs

    STATES = %i[queued done].freeze

    def self.open(path)
      new(path)
    end

    def claim(id)
      local = 3
      jobs.find { |job| job.id == id }
    end

    def size=(value)
      @size = value
    end

    def ==(other) = other.size == size

    def empty? = jobs.empty?

    alias blank? empty?
    alias_method :take, :claim

    define_method(:close) do
      jobs.clear
    end

    class Empty < StandardError; end

    private

    def log(message)
      Logger.info(message)
    end
  end
end

class Warm::Worker
  def run; end
end

Point = Struct.new(:x, :y)

def helper
  Warm::Queue.open(Integer("3"))
end
